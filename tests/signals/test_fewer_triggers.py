"""A policy may watch less than the runbook's three signals; nothing asks for the others."""

from __future__ import annotations

import pytest
import yaml
from fourth_trigger import NOON
from tests.triggers import T2, T3, TRIGGERS

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.use_cases.flags.remind import remind
from ledger_guard.use_cases.health_check.sense import sense
from ledger_guard.use_cases.health_check.watch import watch
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_one_rotation
from ledger_guard.use_cases.reports.board import board


def world_without(trigger):
    document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
    del document["triggers"][trigger]
    document["matrix"] = [row for row in document["matrix"] if row["trigger"] != trigger]
    return memory_world(parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml"), NOON)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_is_not_watched_is_on_no_board_and_in_no_guard_alert(trigger):
    world = world_without(trigger)
    left = [each for each in TRIGGERS if each != trigger]
    for each in left:
        sense(world.deps, each)
    assert [each.trigger for each in board(world.deps).triggers] == left
    assert not any(sentence.startswith(trigger) for sentence in watch(world.deps))
    assert remind(world.deps) == []


@pytest.mark.parametrize(
    ("trigger", "step"),
    [
        pytest.param(T2, "Record the rotation as done.", id="webhooks are not watched"),
        pytest.param(
            T3, "Record the rotation as done; then ask for webhook_signature_enforced to be restored.", id="webhooks are watched"
        ),
    ],
)
def test_a_rotation_by_hand_names_the_flag_of_the_webhooks_that_are_watched(trigger, step):
    plan = plan_one_rotation(world_without(trigger).deps, "mockpsp", None, "payments-lead", "oncall")
    assert plan.steps[5] == step
