"""The recipe's source is a policy's to name, gives what its file holds, and is away when the file is."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

import ledger_guard
from ledger_guard import wiring
from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import parse_policy, policy_path

path, T4 = Path(sys.argv[1], "counts.csv"), Trigger("T4")
NOON, FIVE = datetime(2026, 3, 1, 12, tzinfo=timezone.utc), timedelta(minutes=5)
document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
document["triggers"]["T4"] = {
    "signal": "generic",
    "name": "late_payouts",
    "description": "payouts that come too late",
    "nouns": {"events": "late payouts", "exposure": "payouts", "subjects": "players"},
    "source": {"kind": "counts_file", "path": str(path)},
    "flag": "ledger_enforce_balance",
    "runbook": "docs/runbooks/T4_late_payouts.md",
}
document["matrix"] += [
    {
        "trigger": "T4",
        "severity": severity,
        "actions": ["notify", "triage"],
        "runbook_says": "Watch; find out which tenants.",
        "owner": "oncall",
    }
    for severity in ("mild", "severe")
]
policy = parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml")
nowhere = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/none", "ledger_db")
source = wiring.signal_sources(nowhere, nowhere, policy, SystemClock())
window = Window(NOON, FIVE)


def require_away() -> None:
    with pytest.raises(SourceUnavailable, match="counts file"):
        source.readings(T4, window, window)


require_away()
header = "window_start,tenant_id,events,exposure\n"
path.write_text(header)
assert source.complete_through(T4) is None
path.write_text(f"{header}{NOON.isoformat()},acme,3,100\n{(NOON + FIVE).isoformat()},acme,4,100\n")
assert source.complete_through(T4) == NOON + FIVE
assert source.readings(T4, window, window) == [Reading(T4, "acme", window, 3, 100, 0)]
assert source.unmeasurable(T4, window, window) == {}
path.write_text(f"{header}{NOON.isoformat()},acme,many,100\n")
require_away()
sys.stdout.write(ledger_guard.__file__)
