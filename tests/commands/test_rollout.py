from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from tests.flags.rollout_world import BALANCE, RolloutWorld, rollout_world

from ledger_guard import wiring
from ledger_guard.cli import main
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.signals import Trigger
from ledger_guard.use_cases.freeze import freeze


@pytest.fixture
def world(monkeypatch) -> RolloutWorld:
    world = rollout_world()
    monkeypatch.setattr(wiring, "open_guard", lambda policy=None: world.guard)
    return world


@dataclass(frozen=True)
class Ended:
    exit_code: int
    output: str
    error: str


@pytest.fixture
def run(world, capsys):
    def run(*arguments: str) -> Ended:
        code = main(["rollout", *arguments])
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    return run


def test_check_of_a_flag_that_is_not_frozen_is_open(run):
    found = run("check", "--flag", BALANCE)
    assert (found.exit_code, found.output) == (0, "open: ledger_enforce_balance is not frozen for everyone\n")


def test_check_of_a_frozen_flag_exits_3_and_says_by_what_since_when_and_what_lifts_it(world, run):
    incident = world.incident(Trigger.BALANCE_MISMATCH)
    freeze(world.guard, BALANCE, EVERYWHERE, incident, "T3 severe", "ledger_guard")
    found = run("check", "--flag", BALANCE, "--tenant-id", "tenant-a")
    assert found.exit_code == 3
    assert found.output == (
        f"frozen: ledger_enforce_balance for everyone by ledger_guard since 2026-03-02T03:00:00Z, incident {incident}: "
        f"T3 severe; lifted by an approved run of flag_restore for ledger_enforce_balance@*, incident {incident}, "
        "with its root cause\n"
    )


def test_check_answers_a_script_in_json(world, run):
    opened = freeze(world.guard, BALANCE, "tenant-a", None, "stop the rollout", "oncall")
    found = run("check", "--flag", BALANCE, "--json")
    assert found.exit_code == 3
    answer = json.loads(found.output)
    assert (answer["flag"], answer["tenant_id"], answer["is_open"]) == (BALANCE, EVERYWHERE, False)
    assert [(each["freeze_id"], each["tenant_id"], each["opened_at"]) for each in answer["freezes"]] == [
        (opened.freeze_id, "tenant-a", "2026-03-02T03:00:00Z")
    ]
    assert json.loads(run("check", "--flag", BALANCE, "--tenant-id", "tenant-b", "--json").output)["is_open"] is True


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ["check", "--flag", "nonsense"], "flag: 'nonsense' is unknown; allowed: ledger_enforce_balance", id="unknown flag"
        ),
        pytest.param(["check", "--flag", BALANCE, "--tenant-id", ""], "tenant id: is empty", id="empty tenant"),
        pytest.param(["check", "--flag", BALANCE, "--tenant-id", "nobody"], "knows no tenant 'nobody'", id="unknown tenant"),
        pytest.param(["rotated", "--rotation", "x", "--by", "oncall"], "rotation: 'x' is not an id", id="no rotation id"),
    ],
)
def test_bad_input_exits_2_with_one_line(run, arguments, says):
    found = run(*arguments)
    assert found.exit_code == 2
    assert found.output == ""
    assert says in found.error
    assert found.error.count("\n") == 1


def test_rotated_records_that_the_secret_was_rotated(world, run):
    rotation = world.plan_rotation(None)
    found = run("rotated", "--rotation", rotation, "--by", "payments-lead")
    assert (found.exit_code, found.output) == (0, "recorded: WEBHOOK_SECRET_MOCKPSP of mockpsp was rotated by payments-lead\n")
    with world.guard.state.transaction() as state:
        assert state.rotations.pending() == []


def test_status_lists_flags_scopes_freezes_and_rotations(world, run):
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    world.memory.flags.put(BALANCE, "tenant-a", False)
    freeze(world.guard, BALANCE, "tenant-a", None, "stop the rollout", "oncall")
    rotation = world.plan_rotation(None)
    text = run("status").output
    assert "ledger_enforce_balance: everyone on, tenant tenant-a off; 1 freeze(s)" in text
    assert "frozen for tenant tenant-a since 2026-03-02T03:00:00Z: stop the rollout" in text
    assert "webhook_signature_enforced: not set (off); 0 freeze(s)" in text
    assert f"rotation {rotation}: WEBHOOK_SECRET_MOCKPSP of mockpsp" in text
    answer = json.loads(run("status", "--json").output)
    assert [flag["flag"] for flag in answer["flags"]] == [BALANCE, "webhook_signature_enforced"]
    assert [scope["tenant_id"] for scope in answer["flags"][0]["scopes"]] == [EVERYWHERE, "tenant-a"]
    assert [each["rotation_id"] for each in answer["rotations"]] == [rotation]
