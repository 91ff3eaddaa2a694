"""The recipe's signal is a policy's to name, and is told in its own nouns."""

import sys

import yaml

import ledger_guard
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.signals.registry import SIGNALS, nouns_of, signal_of

document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
document["triggers"]["T4"] = {
    "signal": "late_payouts",
    "description": "HTTP 504 PAYOUT_LATE out of payouts",
    "source": {
        "kind": "access_events",
        "method": "POST",
        "path": "/api/v1/payouts",
        "status": 504,
        "error_code": "PAYOUT_LATE",
        "subject": "player",
    },
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
assert "late_payouts" in SIGNALS.names
assert policy.named(Trigger("T4")) == "T4 late_payouts", policy.named(Trigger("T4"))
assert nouns_of(policy, Trigger("T4")) == Nouns("late payouts", "payouts", "players")
assert signal_of(policy, Trigger("T4")).restore_needs.wallets_compared
sys.stdout.write(ledger_guard.__file__)
