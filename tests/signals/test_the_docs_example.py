"""The example that the docs give for a fourth trigger is a valid policy."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ledger_guard.policy.loader import parse_policy, policy_path

DOCS = Path(__file__).parents[2] / "docs" / "signals.md"


def test_the_docs_fourth_trigger_beside_the_shipped_ones_passes_the_check():
    example, *_ = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    added, document = yaml.load(example, yaml.CSafeLoader), yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
    document["triggers"] |= added["triggers"]
    document["matrix"] += added["matrix"]
    document["flags"] |= added["flags"]
    assert list(parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml").triggers) == ["T1", "T2", "T3", "T4"]
