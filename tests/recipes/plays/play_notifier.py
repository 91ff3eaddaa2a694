"""The recipe's channel is a policy's to name, beside another one; it takes notices, keeps threads, and says when it is down."""

import json
import sys
from pathlib import Path

import pytest
import yaml

import ledger_guard
from ledger_guard import wiring
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice
from ledger_guard.policy.loader import parse_policy, policy_path

path, NOTICE = Path(sys.argv[1], "notices.jsonl"), Notice(title="classify · T1", summary="acme rose")


def notifier(place: Path):
    document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
    document["notification"]["channels"] = [{"kind": "file", "path": str(place)}]
    policy = parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml")
    assert policy.notification.places == str(place)
    return wiring.notifier(policy)


told = notifier(path)
first = told.post(NOTICE, None)
assert told.post(NOTICE, first) == first
assert told.post(NOTICE, None) != first
lines = [json.loads(line) for line in path.read_text().splitlines()]
assert [line["summary"] for line in lines] == ["acme rose"] * 3
assert lines[0]["thread"] == lines[1]["thread"] != lines[2]["thread"]
with pytest.raises(NotificationFailed, match="did not take the notice"):
    notifier(path / "below a file").post(NOTICE, None)
sys.stdout.write(ledger_guard.__file__)
