"""The recipe's action is a policy's to name; the remediation has its task, does it once, and has it on record."""

import sys
from datetime import datetime, timezone

import yaml

import ledger_guard
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.use_cases.remediation import remediation_steps as steps
from ledger_guard.use_cases.remediation.remediate import open_case

document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
for row in document["matrix"]:
    if row["trigger"] == "T1":
        row["actions"].append("name_owner")
policy = parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml")
world = memory_world(policy, datetime(2026, 3, 1, 3, tzinfo=timezone.utc))
world.ledger.tenants.add("acme")
by_hand = {"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["acme"], "reason": "players call"}
case = open_case(world.deps, by_hand, "oncall", "remediation__1")
assert "name_owner" in case.actions
assert steps.task_of("name_owner") == "name_owner"
outcome = steps.STEPS["name_owner"](world.deps, case)
assert str(outcome).endswith("owns this incident"), outcome
with world.state.transaction() as state:
    done = [action for action in state.actions.of_incident(case.incident_id) if action.kind == "name_owner"]
    assert [(action.status.value, action.outcome) for action in done] == [("done", outcome)]
    assert [entry.event.actor for entry in state.audit.entries() if entry.event.verb == "name_owner"] == ["oncall"]
assert world.notifier.posted[-1].notice.summary == outcome
sys.stdout.write(ledger_guard.__file__)
