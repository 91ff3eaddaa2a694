from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.triggers import T3
from tests.use_cases.flags.flag_stores import dotenv_store
from tests.use_cases.flags.rollout_world import BALANCE, RolloutWorld, rollout_world

from ledger_guard import wiring
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.flags.override_freeze import override_freeze


@pytest.fixture
def world(monkeypatch) -> RolloutWorld:
    world = rollout_world()
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
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
    incident = world.incident(T3)
    freeze(world.deps, BALANCE, EVERYWHERE, incident, "T3 severe", "ledger_guard")
    found = run("check", "--flag", BALANCE, "--tenant-id", "tenant-a")
    assert found.exit_code == 3
    assert found.output == (
        f"frozen: ledger_enforce_balance for everyone by ledger_guard since 2026-03-02T03:00:00Z, incident {incident}: "
        f"T3 severe; lifted by an approved run of flag_restore for ledger_enforce_balance@*, incident {incident}, "
        "with its root cause\n"
    )


@pytest.mark.parametrize("frozen", [EVERYWHERE, "tenant-b"])
def test_with_one_value_for_everyone_a_tenant_is_answered_as_everyone(world, run, frozen):
    freeze(world.deps, BALANCE, frozen, None, "stop the rollout", "oncall")
    world.memory.flags.keeps_tenants = False
    found = run("check", "--flag", BALANCE, "--tenant-id", "tenant-a")
    assert (found.exit_code, found.output.startswith("frozen: ledger_enforce_balance")) == (3, True)
    assert run("check", "--flag", BALANCE, "--tenant-id", "nobody").exit_code == 2


def test_an_override_of_one_tenant_opens_no_one_where_everyone_has_one_value(world, run):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    _override(world)
    world.memory.flags.keeps_tenants = False
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-a").exit_code == 3


def test_with_one_value_for_everyone_a_tenant_is_open_when_nothing_is_frozen(world, run):
    world.memory.flags.keeps_tenants = False
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-a").exit_code == 0


def test_status_says_what_the_store_can_not_tell(world, run, tmp_path):
    world.deps = replace(world.deps, flags=dotenv_store(tmp_path, b"WEBHOOK_SIGNATURE_ENFORCED=True\n"))
    text = run("status").output
    assert "ledger_enforce_balance: everyone not known (the file does not name it" in text
    assert "webhook_signature_enforced: everyone on;" in text
    flags = json.loads(run("status", "--json").output)["flags"]
    assert [(flag["scopes"] == [], flag["not_known_because"] == "") for flag in flags] == [(True, False), (False, True)]


def test_check_answers_a_script_in_json(world, run):
    opened = freeze(world.deps, BALANCE, "tenant-a", None, "stop the rollout", "oncall")
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
        pytest.param(["check", "--flag", BALANCE, "--tenant-id", "nobody"], "has no tenant 'nobody'", id="unknown tenant"),
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
    assert (found.exit_code, found.output) == (
        0,
        "recorded: WEBHOOK_SECRET_MOCKPSP of mockpsp was rotated by payments-lead (stated, not proved)\n",
    )
    with world.deps.state.transaction() as state:
        assert state.rotations.pending() == []


def test_status_lists_flags_scopes_freezes_and_rotations(world, run):
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    world.memory.flags.put(BALANCE, "tenant-a", False)
    freeze(world.deps, BALANCE, "tenant-a", None, "stop the rollout", "oncall")
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


def test_a_flag_is_frozen_from_the_command_line_and_checked(world, run):
    frozen = run("freeze", "--flag", BALANCE, "--tenant-id", "tenant-a", "--reason", "drift not understood", "--by", "anna")
    assert frozen.exit_code == 0
    assert frozen.output.startswith("frozen: ledger_enforce_balance for tenant tenant-a since 2026-03-02T03:00:00Z (")
    checked = run("check", "--flag", BALANCE, "--tenant-id", "tenant-a")
    assert (checked.exit_code, "by anna (stated, not proved) since" in checked.output) == (3, True)
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-b").exit_code == 0


def _override(world: RolloutWorld) -> None:
    """As the form flag_override grants it."""
    override_freeze(world.deps, BALANCE, "tenant-a", 2, "a pilot agreed on", "ops-lead")


def test_an_override_opens_its_tenant_alone_until_it_expires(world, run):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    _override(world)
    opened = run("check", "--flag", BALANCE, "--tenant-id", "tenant-a")
    assert opened.exit_code == 0
    assert "frozen: ledger_enforce_balance for everyone by oncall" in opened.output
    assert "open: ledger_enforce_balance for tenant tenant-a by override of ops-lead until 2026-03-02T05:00:00Z" in opened.output
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-b").exit_code == 3
    assert run("check", "--flag", BALANCE).exit_code == 3
    world.memory.wall_clock.advance(timedelta(hours=2))
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-a").exit_code == 3


def test_no_override_is_granted_on_the_word_of_whoever_has_the_command_line(world, run):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    given = ("--flag", BALANCE, "--tenant-id", "tenant-a", "--hours", "2", "--reason", "a pilot agreed on", "--by", "ops-lead")
    assert run("override", *given).exit_code == 2
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-a").exit_code == 3


def test_status_shows_overrides_which_can_be_ended(world, run):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    _override(world)
    (override,) = json.loads(run("status", "--json").output)["flags"][0]["overrides"]
    assert f"override {override['override_id']} for tenant tenant-a until 2026-03-02T05:00:00Z" in run("status").output
    ended = run("end-override", "--override", override["override_id"], "--by", "anna")
    assert (ended.exit_code, ended.output) == (0, "ended: the override of ledger_enforce_balance for tenant tenant-a\n")
    assert run("check", "--flag", BALANCE, "--tenant-id", "tenant-a").exit_code == 3


def test_status_says_for_how_long_a_rollback_has_stood(world, run):
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    world.approved_roll_back(world.incident())
    world.memory.wall_clock.advance(timedelta(hours=30))
    assert "rolled back for everyone since 2026-03-02T03:00:00Z, for 30 h" in run("status").output
    (rolled_back,) = json.loads(run("status", "--json").output)["flags"][0]["rolled_back"]
    assert rolled_back["seconds"] == 30 * 3600


def test_a_rotation_is_planned_with_its_steps_and_a_second_is_refused(world, run):
    asked = ("plan-rotation", "--provider", "mockpsp", "--owner", "payments-lead", "--by", "anna")
    planned = run(*asked)
    assert planned.exit_code == 0
    assert "of WEBHOOK_SECRET_MOCKPSP by payments-lead, due 2026-03-03T03:00:00Z" in planned.output
    assert "\n  1. Agree with mockpsp" in planned.output
    assert run(*asked).exit_code == 3
    (plan,) = json.loads(run("status", "--json").output)["rotations"]
    assert (plan["overlap_hours"], len(plan["steps"])) == (24, 7)
    run("rotated", "--rotation", plan["rotation_id"], "--by", "anna")
    again = run(*asked)
    assert again.exit_code == 3
    assert "overlaps until 2026-03-03T03:00:00" in again.error


@pytest.mark.parametrize(
    ("at", "says"),
    [
        pytest.param((), "recorded: deploy v2.3 at 2026-03-02T03:00:00Z\n", id="now"),
        pytest.param(("--at", "2026-03-01T11:40:00Z"), "recorded: deploy v2.3 at 2026-03-01T11:40:00Z\n", id="earlier"),
    ],
)
def test_a_deploy_is_recorded(world, run, at, says):
    assert run("record-deploy", "--version", "v2.3", "--by", "pipeline", *at).output == says
    assert [detail["version"] for detail in world.audit("record_deploy")] == ["v2.3"]


def test_secrets_are_shown_without_their_values(world, run):
    value = "whsec-4fJk29dkQpZ7vT1x"
    world.memory.secrets.inspect("stripe", "STRIPE_WEBHOOK_SECRET", value)
    world.memory.secrets.inspect("adyen", "ADYEN_HMAC_KEY", None)
    text, answer = run("secrets").output, run("secrets", "--json").output
    assert "STRIPE_WEBHOOK_SECRET of stripe: set, fingerprint " in text
    assert "in use since at least 2026-03-02T03:00:00Z" in text
    assert "ADYEN_HMAC_KEY of adyen: missing; is not set" in text
    assert [each["name"] for each in json.loads(answer)["secrets"]] == ["STRIPE_WEBHOOK_SECRET", "ADYEN_HMAC_KEY"]
    assert value not in text + answer
