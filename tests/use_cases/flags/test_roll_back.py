from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T3
from tests.use_cases.flags.flag_stores import CountingRestarter, dotenv_store
from tests.use_cases.flags.rollout_world import BALANCE, NOW, REASON, RUN, RolloutWorld, rollout_world

from ledger_guard.adapters.memory.probes import InMemoryFlagProbes
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.money_at_risk import with_money
from ledger_guard.domain.signals import MoneyAtRisk
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.flags.confirm import confirm
from ledger_guard.use_cases.flags.flag_run import close_run
from ledger_guard.use_cases.flags.roll_back import propose_roll_back


@pytest.fixture
def world() -> RolloutWorld:
    """Enforcement is on for everyone; tenant-a has a value of its own, on; tenant-b one that is off."""
    world = rollout_world()
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    world.memory.flags.put(BALANCE, "tenant-a", True)
    world.memory.flags.put(BALANCE, "tenant-b", False)
    return world


def _values(world: RolloutWorld) -> dict[str, bool | None]:
    return {state.tenant_id: state.is_enabled for state in world.deps.flags.scopes(BALANCE)}


UNTOUCHED = {EVERYWHERE: True, "tenant-a": True, "tenant-b": False}


def _assert_nothing_was_written(world: RolloutWorld) -> None:
    assert _values(world) == UNTOUCHED
    assert world.freezes() == []
    with world.deps.state.transaction() as state:
        assert state.flag_changes.latest(BALANCE, EVERYWHERE) is None


# --- the proposal -------------------------------------------------------------------------------------------------


def test_a_proposal_says_what_will_be_done_to_whom_and_why(world):
    proposal = propose_roll_back(world.deps, BALANCE, EVERYWHERE, world.incident(), "oncall")
    assert proposal.is_needed
    assert proposal.subject_id == f"{BALANCE}@*"
    for words in (
        "Turn ledger_enforce_balance off for everyone, and the own values of 1 tenant (tenant-a)",
        "Requested by oncall",
        "T1 insufficient_funds is severe, widespread, since 2026-03-02T02:50:00Z in 2 tenants (tenant-a, tenant-b)",
        "tenant-a: 42 of 60 refused",
        "Seen: everyone on (version 1); tenant tenant-a on (version 1)",
    ):
        assert words in proposal.text


def test_a_proposal_tells_the_money_at_risk_and_new_money_voids_no_approval(world):
    incident_id = world.incident()
    before = propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident_id, "oncall")
    assert "Money at risk: amount not known in the newest window in alarm." in before.text
    with world.deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        newest = Window(incident.last_alarm_window_start, timedelta(minutes=5))
        alarm = Verdict(incident.trigger, "tenant-a", newest, Severity.SEVERE, Scope.WIDESPREAD, "High rise.")
        state.verdicts.record([with_money(alarm, MoneyAtRisk(1_240_000), "USD")], incident_id)
    after = propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident_id, "oncall")
    assert "Money at risk: 12,400.00 USD in the newest window in alarm." in after.text
    assert after.subject_hash == before.subject_hash


@pytest.mark.parametrize(
    ("globally", "own", "tenant_id", "is_needed"),
    [
        pytest.param(None, None, EVERYWHERE, False, id="never set: safe"),
        pytest.param(False, None, EVERYWHERE, False, id="off: safe"),
        pytest.param(True, None, EVERYWHERE, True, id="on"),
        pytest.param(False, True, EVERYWHERE, True, id="off globally, on for a tenant of its own"),
        pytest.param(True, False, "tenant-a", False, id="the tenant's own value is safe"),
        pytest.param(True, None, "tenant-a", True, id="the tenant inherits on"),
        pytest.param(False, True, "tenant-a", True, id="the tenant's own value is on"),
        pytest.param(False, None, "tenant-a", False, id="the tenant inherits off"),
    ],
)
def test_a_rollback_is_needed_only_where_some_scope_is_not_safe(globally, own, tenant_id, is_needed):
    world = rollout_world()
    if globally is not None:
        world.memory.flags.put(BALANCE, EVERYWHERE, globally)
    if own is not None:
        world.memory.flags.put(BALANCE, "tenant-a", own)
    assert propose_roll_back(world.deps, BALANCE, tenant_id, world.incident(), "oncall").is_needed is is_needed


def test_a_resolved_incident_is_nothing_to_roll_back_for(world):
    incident = world.incident()
    world.resolve(incident)
    with pytest.raises(SafetyRefusal, match="was resolved"):
        propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident, "oncall")


@pytest.mark.parametrize(
    ("flag", "tenant_id", "says"),
    [
        pytest.param(
            "ledger_shadow_write", EVERYWHERE, "flag: .* is unknown; allowed: ledger_enforce_balance, webhook", id="unknown flag"
        ),
        pytest.param(BALANCE, "", "tenant id: is empty", id="empty tenant"),
        pytest.param(BALANCE, "%", "characters that are not allowed", id="pattern"),
        pytest.param(BALANCE, "tenant a'", "characters that are not allowed", id="quotes and spaces"),
        pytest.param(BALANCE, "t" * 10_000, "has 10000 characters", id="10,000 characters"),
        pytest.param(BALANCE, "tenant-z", "has no tenant 'tenant-z'", id="unknown tenant"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(world, flag, tenant_id, says):
    incident = world.incident()
    with pytest.raises(BadInputError, match=says):
        propose_roll_back(world.deps, flag, tenant_id, incident, "oncall")
    with pytest.raises(BadInputError, match=says):
        world.roll_back(incident, flag, tenant_id)
    _assert_nothing_was_written(world)


def test_a_flag_without_values_per_tenant_can_only_be_rolled_back_for_everyone():
    policy = load_policy()
    only_global = policy.flags[BALANCE].model_copy(update={"per_tenant": False})
    world = rollout_world(policy.model_copy(update={"flags": {**policy.flags, BALANCE: only_global}}))
    with pytest.raises(BadInputError, match="has no value per tenant"):
        propose_roll_back(world.deps, BALANCE, "tenant-a", world.incident(), "oncall")


# --- the write ----------------------------------------------------------------------------------------------------


def test_an_approved_global_rollback_turns_every_scope_off_freezes_the_flag_and_records_who_agreed(world):
    incident = world.incident()
    change = world.approved_roll_back(incident)
    assert _values(world) == {EVERYWHERE: False, "tenant-a": False, "tenant-b": False}
    assert (change.from_value, change.to_value, change.requested_by, change.approved_by) == (
        True,
        False,
        "oncall",
        "payments-lead",
    )
    assert change.reason == REASON
    [freeze] = world.freezes()
    assert (freeze.flag, freeze.tenant_id, freeze.incident_id) == (BALANCE, EVERYWHERE, incident)
    assert freeze.reason.startswith("rolled back, approved by payments-lead")
    assert [detail["stage"] for detail in world.audit("roll_back")] == ["intended", "done"]
    assert world.audit("roll_back")[1]["scopes"] == [EVERYWHERE, "tenant-a"]


def test_a_scope_that_is_safe_already_is_not_written(world):
    world.approved_roll_back(world.incident())
    assert world.deps.flags.get(BALANCE, "tenant-b").version == 1


def test_an_approved_rollback_of_one_tenant_leaves_the_others_alone(world):
    world.approved_roll_back(world.incident(scope=Scope.ISOLATED), tenant_id="tenant-c")
    assert _values(world) == {**UNTOUCHED, "tenant-c": False}
    assert [freeze.tenant_id for freeze in world.freezes()] == ["tenant-c"]


def test_the_other_flag_is_left_alone(world):
    world.memory.flags.put("webhook_signature_enforced", EVERYWHERE, True)
    world.approved_roll_back(world.incident())
    assert world.deps.flags.effective("webhook_signature_enforced", "tenant-a") is True


# --- attacks ------------------------------------------------------------------------------------------------------


def test_without_a_question_nothing_is_written(world):
    with pytest.raises(SafetyRefusal, match="no approval was requested"):
        world.roll_back(world.incident())
    _assert_nothing_was_written(world)


def test_a_gate_marked_success_by_hand_has_no_answer_and_nothing_is_written(world):
    incident = world.incident()
    world.ask_to_roll_back(incident)
    with pytest.raises(SafetyRefusal, match="has not been answered"):
        world.roll_back(incident)
    _assert_nothing_was_written(world)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param({"by": "oncall"}, "oncall requested it", id="the requester"),
        pytest.param({"by": "intern"}, "intern may not approve", id="not an approver"),
        pytest.param({"reason": "ok"}, "fewer than 10", id="no real reason"),
        pytest.param({"option": "Reject"}, "rejected by payments-lead", id="rejected"),
    ],
)
def test_an_answer_that_does_not_count_writes_nothing_and_the_refusal_is_on_record(world, answer, says):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident), **answer)
    with pytest.raises(SafetyRefusal, match=says):
        world.roll_back(incident)
    _assert_nothing_was_written(world)
    assert [detail["stage"] for detail in world.audit("roll_back")] == ["refused"]


def test_no_answer_writes_nothing(world):
    incident = world.incident()
    asked = world.ask_to_roll_back(incident)
    record_answer(
        world.deps,
        asked,
        chosen_options=["Reject"],
        reason="",
        answered_by=None,
        answered_at=NOW + timedelta(hours=1),
        timed_out=True,
    )
    with pytest.raises(SafetyRefusal, match="no one answered in time"):
        world.roll_back(incident)
    _assert_nothing_was_written(world)


@pytest.mark.parametrize(
    ("late_by", "is_written"),
    [
        pytest.param(timedelta(microseconds=-1), True, id="just before expiry"),
        pytest.param(timedelta(0), True, id="at expiry"),
        pytest.param(timedelta(microseconds=1), False, id="just after expiry"),
    ],
)
def test_an_answer_after_expiry_writes_nothing(world, late_by, is_written):
    incident = world.incident()
    asked = world.ask_to_roll_back(incident)
    world.memory.wall_clock.advance(timedelta(minutes=60) + late_by)
    world.answer(asked)
    if is_written:
        assert world.roll_back(incident).to_value is False
    else:
        with pytest.raises(SafetyRefusal, match="the answer came after"):
            world.roll_back(incident)
        _assert_nothing_was_written(world)


def _flag_off_and_on(world: RolloutWorld, _incident: str) -> None:
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)


CHANGES = [
    pytest.param(
        _flag_off_and_on, r"approved: everyone on \(version 1\); now: everyone on \(version 3\)", id="older flag version"
    ),
    pytest.param(
        lambda world, _: world.memory.flags.put(BALANCE, "tenant-c", True),
        r"approved: none of this; now: tenant tenant-c on \(version 1\)",
        id="another tenant got a value of its own",
    ),
    pytest.param(
        lambda world, incident: world.change_incident(incident, scope=Scope.ISOLATED),
        "approved: incident T1 severe widespread; now: incident T1 severe isolated",
        id="scope changed",
    ),
    pytest.param(
        lambda world, incident: world.change_incident(incident, severity=Severity.MILD),
        "approved: incident T1 severe widespread; now: incident T1 mild widespread",
        id="severity changed",
    ),
    pytest.param(lambda world, incident: world.resolve(incident), "was resolved 2026-03-02T03:00:00Z", id="incident resolved"),
]


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_what_changed_after_the_approval_voids_it_and_is_named(world, change, says):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    change(world, incident)
    before = _values(world)
    with pytest.raises(SafetyRefusal, match=says):
        world.roll_back(incident)
    assert _values(world) == before
    assert world.freezes() == []


def test_an_approval_for_one_tenant_does_not_permit_everyone(world):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident, tenant_id="tenant-a"))
    with pytest.raises(SafetyRefusal, match="no approval was requested"):
        world.roll_back(incident)
    _assert_nothing_was_written(world)


def test_an_approval_for_one_incident_does_not_permit_a_rollback_for_another(world):
    incident, other = world.incident(), world.incident(T3)
    world.answer(world.ask_to_roll_back(incident))
    with pytest.raises(SafetyRefusal, match="another state"):
        world.roll_back(other)
    _assert_nothing_was_written(world)


def test_an_approval_is_used_once(world):
    incident = world.incident()
    world.approved_roll_back(incident)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    with pytest.raises(SafetyRefusal, match="an approval is used once"):
        world.roll_back(incident)
    assert world.deps.flags.get(BALANCE, EVERYWHERE).is_enabled is True


# --- killed and started again -------------------------------------------------------------------------------------


def test_running_again_after_success_returns_the_same_change_and_writes_nothing(world):
    incident = world.incident()
    first = world.approved_roll_back(incident)
    versions = [state.version for state in world.deps.flags.scopes(BALANCE)]
    world.resolve(incident)
    assert world.roll_back(incident) == first
    assert [state.version for state in world.deps.flags.scopes(BALANCE)] == versions
    assert len(world.freezes()) == 1


class _DiesAfterTheWrite:
    """Guard state whose second transaction is lost, as when the worker is killed between the write and its record."""

    def __init__(self, state) -> None:
        self._state, self._begun = state, 0

    @contextmanager
    def transaction(self):
        self._begun += 1
        with self._state.transaction() as state:
            yield state
            if self._begun == 2:
                raise ConnectionError("killed")


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda _world, _incident: None, id="at once"),
        pytest.param(lambda world, incident: world.resolve(incident), id="after the incident was resolved"),
        pytest.param(lambda world, incident: world.change_incident(incident, scope=Scope.ISOLATED), id="after the scope changed"),
    ],
)
def test_a_run_killed_between_write_and_record_is_completed_without_a_second_write(world, meanwhile):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    whole = world.deps
    world.deps = replace(whole, state=_DiesAfterTheWrite(whole.state))
    with pytest.raises(ConnectionError):
        world.roll_back(incident)
    world.deps = whole
    assert _values(world) == {EVERYWHERE: False, "tenant-a": False, "tenant-b": False}
    assert world.freezes() == []
    versions = [state.version for state in world.deps.flags.scopes(BALANCE)]
    meanwhile(world, incident)

    change = world.roll_back(incident)

    assert (change.from_value, change.to_value) == (True, False)
    assert [state.version for state in world.deps.flags.scopes(BALANCE)] == versions
    assert len(world.freezes()) == 1
    assert [detail["stage"] for detail in world.audit("roll_back")] == ["intended", "done"]


def test_a_run_killed_before_the_write_writes_when_started_again(world):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    whole, flags = world.deps, world.memory.flags

    class Dies:
        get, effective, scopes, lacks, per_tenant = flags.get, flags.effective, flags.scopes, flags.lacks, True

        def compare_and_set_all(self, *_arguments) -> None:
            raise ConnectionError("killed")

    world.deps = replace(whole, flags=Dies())
    with pytest.raises(ConnectionError):
        world.roll_back(incident)
    world.deps = whole
    _assert_nothing_was_written(world)
    assert world.roll_back(incident).to_value is False
    assert [detail["stage"] for detail in world.audit("roll_back")] == ["intended", "done"]


def test_a_value_that_someone_else_turned_off_is_not_taken_for_our_own_write(world):
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    with pytest.raises(SafetyRefusal, match=r"now: everyone off \(version 2\)"):
        world.roll_back(incident)
    assert world.freezes() == []


# --- a store whose write needs more than the value ---------------------------------------------------------------


def _dotenv_world(tmp_path, restarter):
    world = rollout_world()
    store = dotenv_store(tmp_path, b"LEDGER_ENFORCE_BALANCE=True\n", restarter)
    world.deps = replace(world.deps, flags=store)
    return world


def test_a_rollback_whose_restart_failed_is_on_record_as_failed_and_the_same_run_makes_up_for_it(tmp_path):
    restarter = CountingRestarter()
    restarter.failures = 2
    world = _dotenv_world(tmp_path, restarter)
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="instances may still serve the old value"):
            world.roll_back(incident)
    assert [detail["stage"] for detail in world.audit("roll_back")] == ["intended", "failed", "failed"]
    params = {"flag": BALANCE, "tenant_id": EVERYWHERE, "incident_id": incident}
    question = {"subject_id": f"{BALANCE}@*", "is_needed": True, "incident_id": incident}
    status, words = close_run(world.on_record(), ApprovalKind.FLAG_ROLLBACK, params, question)
    assert status is ActionStatus.FAILED
    assert "instances may still serve the old value" in words
    assert world.roll_back(incident).to_value is False
    assert (restarter.restarts, len(world.freezes())) == ([BALANCE], 1)


def test_a_new_run_finds_the_restart_that_is_missing_and_does_not_call_the_flag_safe_already(tmp_path):
    restarter = CountingRestarter()
    restarter.failures = 1
    world = _dotenv_world(tmp_path, restarter)
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    with pytest.raises(SourceUnavailable):
        world.roll_back(incident)
    proposal = propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident, "oncall")
    assert (proposal.is_needed, proposal.to_write) == (True, ())
    assert "An earlier write is incomplete (a restart of the instances" in proposal.text
    world.approved_roll_back(incident, run_id="another run")
    assert restarter.restarts == [BALANCE]


def test_a_store_without_tenants_refuses_a_tenants_rollback_and_the_global_proposal_says_why(tmp_path):
    world = _dotenv_world(tmp_path, CountingRestarter())
    incident = world.incident(scope=Scope.ISOLATED)
    with pytest.raises(BadInputError, match="has one value for everyone"):
        propose_roll_back(world.deps, BALANCE, "tenant-a", incident, "oncall")
    text = propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident, "oncall").text
    assert "Affected: only 2 tenants (tenant-a, tenant-b); but the flag store has one value for everyone." in text


@pytest.fixture
def not_named(tmp_path):
    """A world whose dotenv file does not name the flag: the environment of its instances may say on."""
    world = rollout_world()
    world.deps = replace(world.deps, flags=dotenv_store(tmp_path, b"A=1\n"))
    return world.healthy()


@pytest.mark.parametrize(
    ("serves", "is_needed", "says"),
    [
        pytest.param(None, True, "everyone not known (the file does not name it", id="nobody can be asked"),
        pytest.param([False, False], False, "instance 2 serves off", id="every instance is off"),
        pytest.param([False, True], True, "instance 2 serves on", id="one instance is on"),
    ],
)
def test_a_flag_that_the_file_does_not_name_is_asked_of_the_instances_and_never_called_off_already(
    not_named, serves, is_needed, says
):
    not_named.deps = replace(not_named.deps, probes=InMemoryFlagProbes(serves))
    proposal = propose_roll_back(not_named.deps, BALANCE, EVERYWHERE, not_named.incident(), "oncall")
    assert proposal.is_needed is is_needed
    assert says in proposal.text


def test_a_flag_that_is_not_known_is_written_and_frozen_by_an_approved_rollback(not_named):
    change = not_named.approved_roll_back(not_named.incident())
    assert (change.from_value, change.to_value, len(not_named.freezes())) == (None, False, 1)
    assert not_named.deps.flags.effective(BALANCE, EVERYWHERE) is False


@pytest.mark.parametrize(
    ("serves", "is_needed"),
    [
        pytest.param(None, False, id="nobody can be asked"),
        pytest.param([False, False], False, id="every instance is off"),
        pytest.param([False, True], True, id="one instance is on all the same"),
    ],
)
def test_a_store_that_says_off_is_held_against_the_instances(serves, is_needed):
    world = rollout_world()
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    world.deps = replace(world.deps, probes=InMemoryFlagProbes(serves))
    proposal = propose_roll_back(world.deps, BALANCE, EVERYWHERE, world.incident(), "oncall")
    assert (proposal.is_needed, "an instance's own environment overrides it" in proposal.text) == (is_needed, is_needed)


# --- confirm ------------------------------------------------------------------------------------------------------


def test_a_rollback_that_reads_back_safe_in_every_scope_is_no_more_than_unconfirmed_without_probes(world):
    world.approved_roll_back(world.incident())
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.UNCONFIRMED
    assert world.audit("confirm")[0]["disagreeing_scopes"] == []


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(EVERYWHERE, id="the global value is on again"),
        pytest.param("tenant-c", id="a tenant has a value of its own, on"),
    ],
)
def test_a_scope_that_reads_back_on_shows_that_the_rollback_is_not_in_effect(world, scope):
    world.approved_roll_back(world.incident())
    world.memory.flags.put(BALANCE, scope, True)
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.NOT_IN_EFFECT
    assert world.audit("confirm")[0]["disagreeing_scopes"] == [scope]


def test_there_is_nothing_to_confirm_where_nothing_was_changed(world):
    with pytest.raises(BadInputError, match="no change of ledger_enforce_balance@"):
        confirm(world.deps, BALANCE, EVERYWHERE)


# --- on the real database -----------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_on_postgres_a_rollback_is_written_confirmed_and_repeatable(stored_world):
    world = stored_world
    incident = world.incident()
    change = world.approved_roll_back(incident)
    assert world.roll_back(incident) == change
    assert _values(world) == {EVERYWHERE: False, "tenant-a": False}
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.UNCONFIRMED
    assert [freeze.tenant_id for freeze in world.freezes()] == [EVERYWHERE]


@pytest.mark.postgres
def test_on_postgres_a_run_killed_between_write_and_record_is_completed(stored_world):
    world = stored_world
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    whole = world.deps
    world.deps = replace(whole, state=_DiesAfterTheWrite(whole.state))
    with pytest.raises(ConnectionError):
        world.roll_back(incident)
    world.deps = whole
    assert world.roll_back(incident).to_value is False
    assert world.deps.flags.get(BALANCE, EVERYWHERE).version == 2


@pytest.mark.postgres
@pytest.mark.parametrize(
    "is_one_approval", [pytest.param(True, id="the same run twice"), pytest.param(False, id="two runs, two approvals")]
)
def test_of_two_runs_that_race_for_one_flag_exactly_one_writes(stored_world, is_one_approval):
    world = stored_world
    incident = world.incident()
    runs = [RUN, RUN if is_one_approval else "another run"]
    for run in dict.fromkeys(runs):
        world.answer(world.ask_to_roll_back(incident, run_id=run))
    changes, refused, together = [], [], threading.Barrier(2)

    def write(run: str) -> None:
        together.wait()
        try:
            changes.append(world.roll_back(incident, run_id=run))
        except SafetyRefusal as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=write, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(changes) + len(refused) == 2
    assert len({change.change_id for change in changes}) == 1
    assert world.deps.flags.get(BALANCE, EVERYWHERE).version == 2
    assert len(world.freezes()) == 1
    with world.deps.state.transaction() as state:
        assert state.flag_changes.latest(BALANCE, EVERYWHERE).change_id == changes[0].change_id


def test_the_kind_of_approval_matters(world):
    incident = world.incident()
    proposal = propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident, "oncall")
    world.answer(world.ask(ApprovalKind.FLAG_RESTORE, proposal, incident))
    with pytest.raises(SafetyRefusal, match="no approval was requested"):
        world.roll_back(incident)
    _assert_nothing_was_written(world)
