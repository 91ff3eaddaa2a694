from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2, T3
from tests.use_cases.flags.rollout_world import (
    BALANCE,
    LINK,
    NOW,
    OWNER,
    ROOT_CAUSE,
    SIGNATURE,
    TENANTS,
    VALIDATION,
    RolloutWorld,
    rollout_world,
)

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.signals import Reading
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.rollout import RestoreRules
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.flags.confirm import confirm
from ledger_guard.use_cases.flags.freeze import freeze, standing_freezes
from ledger_guard.use_cases.flags.override_freeze import end_override, override_freeze
from ledger_guard.use_cases.flags.restore import verify_before_restore
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense
from ledger_guard.use_cases.remediation.plan_secret_rotation import complete_rotation


@pytest.fixture
def world() -> RolloutWorld:
    world = rollout_world()
    for flag in (BALANCE, SIGNATURE):
        world.memory.flags.put(flag, EVERYWHERE, True)
    return world


@pytest.fixture
def resolved(world) -> str:
    """An incident for which the flag was rolled back and frozen, and which is over."""
    incident = world.incident()
    world.approved_roll_back(incident)
    world.resolve(incident)
    return incident


@pytest.fixture
def resolved_signatures(world) -> str:
    """The same for signatures, with no tenant large enough for a window to say anything by itself."""
    incident = world.incident(trigger=T2)
    world.approved_roll_back(incident, SIGNATURE)
    world.resolve(incident)
    world.windows(Severity.INSUFFICIENT, triggers=(T2,))
    return incident


def _is_on(world: RolloutWorld, flag: str = BALANCE) -> bool:
    return world.deps.flags.effective(flag, "tenant-c")


# --- what is missing ----------------------------------------------------------------------------------------------


def _validation(**changes: object) -> dict[str, object]:
    return {"validation": {**VALIDATION, **changes}}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"root_cause": ""}, "the root cause has 0 characters", id="no root cause"),
        pytest.param(
            {"root_cause": "x" * 19}, "the root cause has 19 characters; needed: at least 20", id="root cause of 19 characters"
        ),
        pytest.param({"root_cause": "x" + " " * 30}, "the root cause has 1 characters", id="root cause padded with blanks"),
        pytest.param({"root_cause_link": ""}, "no link to the root cause", id="no link"),
        pytest.param({"root_cause_link": "see wiki"}, "no link to the root cause", id="neither address nor ticket"),
        pytest.param({"root_cause_owner": ""}, "no owner of the root cause", id="no owner"),
        pytest.param({"root_cause_owner": " x "}, "no owner of the root cause", id="owner of one letter"),
        pytest.param({"root_cause_owner": "db"}, None, id="owner of two letters"),
        pytest.param({"validation": {}}, "it is not on record as passed", id="no validation"),
        pytest.param(
            _validation(environment="prod"), "the environment is 'prod'; needed: one of test, staging", id="in production"
        ),
        pytest.param(_validation(passed=False), "it is not on record as passed", id="validation failed"),
        pytest.param(_validation(passed="true"), "it is not on record as passed", id="passed is a text"),
        pytest.param(_validation(reference=" "), "no reference", id="no reference"),
        pytest.param({"requested_by": "ops-lead"}, None, id="an approver asks and another remains"),
        pytest.param({"root_cause": "x" * 20}, None, id="root cause of 20 characters"),
        pytest.param({"root_cause_link": "OPS-123"}, None, id="a ticket will do"),
        pytest.param(_validation(environment="staging"), None, id="staging will do"),
    ],
)
def test_a_restore_is_refused_for_what_is_not_written_down(world, resolved, given, says):
    if says is None:
        assert world.review_restore(resolved, **given).is_needed
    else:
        with pytest.raises(SafetyRefusal, match=says):
            world.review_restore(resolved, **given)
        assert not _is_on(world)


def test_every_missing_item_is_named_at_once(world, resolved):
    world.incident(T3)
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "payments-lead")
    world.plan_rotation(resolved)
    world.windows(Severity.NO_DATA, first=10, triggers=(T1,))
    world.memory.ledger.set_wallet("tenant-a", "player-1", 9.0)
    verify(world.deps, "tenant-a")
    with pytest.raises(SafetyRefusal) as refused:
        world.review_restore(resolved, root_cause="", root_cause_link="", root_cause_owner="", validation={})
    for item in (
        "the root cause has",
        "no link",
        "no owner",
        "T1: 2 of its newest 12 windows are quiet",
        "backfill of 1 tenant (tenant-a): 1 unexplained, for a human",
        "the environment is",
        "passed",
        "no reference",
        "(T3 severe) is mitigating",
        "rotation of WEBHOOK_SECRET_MOCKPSP with mockpsp",
        'frozen for everyone by payments-lead since 2026-03-02T03:00:00Z ("stop the rollout")',
    ):
        assert item in str(refused.value)


def test_the_incident_itself_has_to_be_resolved(world):
    incident = world.incident()
    world.approved_roll_back(incident)
    with pytest.raises(SafetyRefusal, match=f"incident {incident} .T1 severe. is mitigating; needed: resolved"):
        world.review_restore(incident)
    assert [found.stands for found in world.freezes()] == [True]


@pytest.mark.parametrize(
    ("trigger", "blocks"),
    [
        pytest.param(T1, True, id="T1 is tied to the balance flag"),
        pytest.param(T3, True, id="T3 is tied to the balance flag"),
        pytest.param(T2, False, id="T2 is tied to the other flag"),
    ],
)
def test_an_unresolved_incident_of_any_trigger_tied_to_the_flag_blocks(world, resolved, trigger, blocks):
    world.incident(trigger)
    if blocks:
        with pytest.raises(SafetyRefusal, match=f"{trigger.value} severe"):
            world.review_restore(resolved)
    else:
        assert world.review_restore(resolved).is_needed


def test_the_incident_that_rolled_the_flag_back_has_to_be_resolved_even_if_its_trigger_is_tied_to_another_flag(world):
    incident = world.incident(T2)
    world.approved_roll_back(incident, BALANCE)
    with pytest.raises(SafetyRefusal, match=r"T2 severe\) is mitigating"):
        world.review_restore(incident, BALANCE)


@pytest.mark.parametrize("quiet_windows", [0, 1, 100])
def test_a_mitigated_incident_whose_windows_are_without_data_lifts_nothing(world, quiet_windows):
    """`no_data` and `insufficient` never resolve an incident, and only a resolved one lets a freeze be lifted."""
    from ledger_guard.domain.incidents import IncidentStatus

    incident = world.incident()
    world.approved_roll_back(incident)
    world.change_incident(incident, status=IncidentStatus.MITIGATED, quiet_windows=quiet_windows)
    with pytest.raises(SafetyRefusal, match="is mitigated; needed: resolved by windows with evidence of health"):
        world.review_restore(incident)
    assert len(world.freezes()) == 1


def test_a_planned_rotation_has_to_be_done_before_signatures_are_enforced_again(world):
    incident = world.incident(T2)
    world.approved_roll_back(incident, SIGNATURE)
    world.resolve(incident)
    rotation = world.plan_rotation(incident)
    with pytest.raises(SafetyRefusal, match=f"{rotation}. is pending; needed: done"):
        world.review_restore(incident, SIGNATURE)
    assert complete_rotation(world.deps, rotation, "payments-lead").done_by == "payments-lead"
    assert world.review_restore(incident, SIGNATURE).is_needed
    assert [detail["secret_name"] for detail in world.audit("complete_rotation")] == ["WEBHOOK_SECRET_MOCKPSP"]


def test_a_rotation_planned_for_another_incident_blocks_the_signature_flag_too_but_not_the_balance_flag(world, resolved):
    signatures = world.incident(T2)
    world.plan_rotation(signatures)
    world.resolve(signatures)
    with pytest.raises(SafetyRefusal, match="is pending"):
        world.review_restore(None, SIGNATURE)
    assert world.review_restore(resolved).is_needed


@pytest.mark.parametrize(
    ("rotation_id", "by", "says"),
    [
        pytest.param("nonsense", "payments-lead", "is not an id", id="no id"),
        pytest.param("00000000-0000-0000-0000-000000000001", "payments-lead", "is not pending; allowed: none is", id="unknown"),
        pytest.param("00000000-0000-0000-0000-000000000001", " ", "is empty", id="by nobody"),
    ],
)
def test_a_rotation_that_is_not_pending_or_by_nobody_is_bad_input(world, rotation_id, by, says):
    with pytest.raises(BadInputError, match=says):
        complete_rotation(world.deps, rotation_id, by)


def test_a_requester_who_is_the_only_approver_is_refused():
    policy = load_policy()
    alone = policy.approvals[ApprovalKind.FLAG_RESTORE].model_copy(update={"approvers": ("payments-lead",)})
    world = rollout_world(policy.model_copy(update={"approvals": {**policy.approvals, ApprovalKind.FLAG_RESTORE: alone}}))
    with pytest.raises(SafetyRefusal, match="payments-lead asks and is the only one who may approve"):
        world.review_restore(None, requested_by="payments-lead")


# --- quiet windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "still_quiet", "says"),
    [
        pytest.param(Severity.NO_DATA, 5, "T1: 5 of its newest 12 windows are quiet", id="five quiet, the rest without data"),
        pytest.param(Severity.INSUFFICIENT, 5, "little or no evidence.; needed: 6", id="five quiet, the rest too little"),
        pytest.param(Severity.NO_DATA, 6, None, id="six quiet, the rest without data"),
        pytest.param(Severity.INSUFFICIENT, 12, None, id="all quiet"),
    ],
)
def test_windows_without_evidence_are_not_quiet(world, resolved, word, still_quiet, says):
    world.windows(word, first=12 - still_quiet, triggers=(T1,))
    if says is None:
        assert world.review_restore(resolved).is_needed
    else:
        with pytest.raises(SafetyRefusal, match=says):
            world.review_restore(resolved)


@pytest.mark.parametrize(
    ("back", "is_refused"),
    [pytest.param(6, True, id="five windows since the alarm"), pytest.param(7, False, id="six windows since the alarm")],
)
@pytest.mark.parametrize("alarm", [Severity.MILD, Severity.SEVERE])
def test_quiet_windows_count_from_the_last_alarm_of_any_tenant(world, resolved, alarm, back, is_refused):
    world.windows(alarm, first=back, last=back, triggers=(T3,), tenants=("tenant-c",))
    if is_refused:
        with pytest.raises(SafetyRefusal, match=r"T3: 5 of its newest 12 windows are quiet \(in alarm at 2026-03-02T02:30:00Z\)"):
            world.review_restore(resolved)
    else:
        assert world.review_restore(resolved).is_needed


def test_quiet_windows_of_long_ago_prove_nothing(world, resolved):
    world.memory.clock.advance(timedelta(minutes=35))
    with pytest.raises(SafetyRefusal, match="T1: 5 of its newest 12"):
        world.review_restore(resolved)


def test_only_the_triggers_of_the_flag_have_to_be_quiet(world, resolved):
    world.windows(Severity.NO_DATA, triggers=(T2,))
    assert world.review_restore(resolved).is_needed


def test_the_incidents_own_tenants_have_to_be_heard(world, resolved):
    """tenant-a and tenant-b were in alarm; that tenant-c is well says nothing about them."""
    world.windows(Severity.NO_DATA, triggers=(T1,), tenants=("tenant-a", "tenant-b"))
    with pytest.raises(SafetyRefusal, match="T1: 0 of its newest 12"):
        world.review_restore(resolved)


def test_a_tenants_restore_looks_at_that_tenants_windows(world):
    world.windows(Severity.NO_DATA, tenants=("tenant-a",))
    with pytest.raises(SafetyRefusal, match="T1: 0 of its newest 12"):
        world.review_restore(None, tenant_id="tenant-a")
    world.memory.flags.put(BALANCE, "tenant-b", False)
    assert world.review_restore(None, tenant_id="tenant-b").is_needed


def test_an_alarm_after_the_approval_stops_the_restore(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    world.windows(Severity.MILD, first=1, triggers=(T3,))
    with pytest.raises(SafetyRefusal, match="T3: 0 of its newest 12 windows are quiet"):
        world.restore(resolved)
    assert not _is_on(world)


# --- attempts without failure -------------------------------------------------------------------------------------


@pytest.fixture
def unsigned(world) -> str:
    """An incident for which signatures were turned off, over; since then no tenant alone has evidence enough."""
    incident = world.incident(T2)
    world.change_incident(incident, tenants=TENANTS)
    world.approved_roll_back(incident, SIGNATURE)
    world.resolve(incident)
    world.windows(Severity.INSUFFICIENT, triggers=(T2,))
    return incident


def _restores(world, incident, flag=SIGNATURE, tenant_id=EVERYWHERE) -> str:
    """The refusal, or nothing."""
    try:
        world.review_restore(incident, flag, tenant_id)
    except SafetyRefusal as refused:
        return str(refused)
    return ""


def test_a_platform_too_small_for_verdicts_is_restored_by_its_attempts_and_the_approver_is_told(world, unsigned):
    world.attempts(20)
    seen = "720 attempts with 0 failures in 12 windows; needed were 432"
    assert f"T2 is quiet only by pooled attempts: {seen}." in world.review_restore(unsigned, SIGNATURE).text
    world.answer(world.ask_to_restore(unsigned, SIGNATURE))
    world.restore(unsigned, SIGNATURE)
    assert world.audit("restore")[-1]["quiet_by_attempts"] == {"T2": seen}


@pytest.mark.parametrize(
    ("attempts", "says"),
    [
        # Five failures an hour are the least that is called mild: three of them are expected in 7.2 windows.
        pytest.param({"a_window": 20, "first": 8}, "", id="eight windows of an hour's twelve"),
        pytest.param(
            {"a_window": 20, "first": 7},
            "T2: 0 of its newest 12 windows are quiet (the others have little or no evidence); needed: 6 with evidence of "
            "health, or 432 attempts in at least 6 windows; found: 420 attempts with 0 failures in 7 windows",
            id="seven windows",
        ),
        pytest.param({"a_window": 1, "first": 12, "tenants": ("tenant-a", "tenant-b", "tenant-c")}, "or 50 attempts", id="36"),
        pytest.param({"a_window": 2, "first": 12}, "", id="72 attempts"),
        pytest.param({"a_window": 5, "first": 10, "tenants": ("tenant-a",)}, "", id="50 attempts of one tenant"),
        pytest.param({"a_window": 7, "first": 7, "tenants": ("tenant-a",)}, "or 51 attempts", id="49 attempts of one tenant"),
        pytest.param({"a_window": 20, "failures": 1}, "", id="one failure"),
        pytest.param({"a_window": 20, "failures": 2}, "720 attempts with 2 failures", id="two failures"),
        pytest.param({"a_window": 0}, "needed: 6 with evidence of health", id="nothing was attempted"),
        pytest.param({"a_window": 20, "usual": 1.0, "first": 5}, "in 5 windows", id="enough attempts, too few windows"),
        pytest.param({"a_window": 20, "usual": 1.0, "first": 6}, "", id="enough attempts in enough windows"),
        # Where failures are usual, mild is the policy's ratio of them: 54 where 36 are usual.
        pytest.param({"a_window": 20, "failures": 41, "usual": 1.0}, "", id="41 failures where 36 are usual"),
        pytest.param({"a_window": 20, "failures": 42, "usual": 1.0}, "with 42 failures", id="42 failures where 36 are usual"),
    ],
)
def test_how_many_attempts_it_takes(world, unsigned, attempts, says):
    world.attempts(**attempts)
    found = _restores(world, unsigned)
    assert says in found
    assert bool(found) is bool(says)


def test_an_alarm_lets_only_the_attempts_after_it_count(world, unsigned):
    world.attempts(20)
    world.windows(Severity.MILD, first=8, last=8, triggers=(T2,), tenants=("tenant-c",))
    assert "in alarm at 2026-03-02T02:20:00Z" in (found := _restores(world, unsigned))
    assert "420 attempts with 0 failures in 7 windows" in found


@pytest.mark.parametrize(
    ("silent", "is_refused"),
    [
        pytest.param(("tenant-a",), False, id="one tenant of three"),
        pytest.param(("tenant-a", "tenant-b"), True, id="two tenants of three"),
        pytest.param(TENANTS, True, id="all of them"),
    ],
)
def test_windows_without_data_are_no_attempts_whatever_figures_they_carry(world, unsigned, silent, is_refused):
    world.attempts(200)
    world.attempts(200, tenants=silent, word=Severity.NO_DATA)
    assert bool(_restores(world, unsigned)) is is_refused


def test_attempts_of_tenants_that_the_incident_did_not_hit_say_nothing_of_those_it_hit(world, unsigned):
    world.change_incident(unsigned, tenants=("tenant-a",))
    world.attempts(200, tenants=("tenant-b", "tenant-c"))
    assert "needed: 6 with evidence of health" in _restores(world, unsigned)
    world.attempts(200, tenants=("tenant-a",))
    assert _restores(world, unsigned) == ""


def test_a_tenants_restore_counts_that_tenants_attempts(world):
    world.windows(Severity.INSUFFICIENT, triggers=(T1,))
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    world.attempts(20, trigger=T1, tenants=("tenant-b",))
    assert "T1: 0 of its newest 12" in _restores(world, None, BALANCE, "tenant-a")
    assert _restores(world, None, BALANCE, "tenant-b") == ""


def test_compared_balances_are_no_attempts(world, resolved):
    """The same differences are counted again in every window: adding them up proves nothing."""
    world.windows(Severity.INSUFFICIENT, triggers=(T3,))
    world.attempts(2000, trigger=T3)
    assert _restores(world, resolved, BALANCE).endswith("needed: 6 with evidence of health")


def test_attempts_of_long_ago_prove_nothing(world, unsigned):
    world.attempts(20)
    world.memory.clock.advance(timedelta(minutes=25))
    assert "420 attempts with 0 failures in 7 windows" in _restores(world, unsigned)


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        pytest.param(3, "", id="17 windows of 3 tenants have 51 attempts"),
        pytest.param(1, "or 50 attempts in at least 6 windows; found: 36 attempts with 0 failures in 12 windows", id="too few"),
    ],
)
def test_a_platform_with_few_requests_an_hour_is_given_as_much_of_the_day_as_makes_enough(world, unsigned, hours, found):
    world.attempts(1, first=12 * hours)
    assert found in (said := _restores(world, unsigned))
    assert bool(said) is bool(found)


def test_of_a_platform_with_few_requests_nothing_older_than_a_day_counts(world, unsigned):
    world.attempts(1, first=12 * 25, last=12 * 24 + 1)
    assert "needed: 6 with evidence of health" in _restores(world, unsigned)


def test_an_alarm_within_the_day_ends_what_is_pooled(world, unsigned):
    world.attempts(1, first=36)
    world.windows(Severity.MILD, first=14, last=14, triggers=(T2,), tenants=("tenant-c",))
    assert "there are 39 attempts with 0 failures in 13 windows" in _restores(world, unsigned)


def test_where_few_windows_have_to_be_quiet_an_hours_attempts_still_count(world, unsigned):
    rules = world.deps.policy.restore.model_copy(update={"quiet_windows": 2})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"restore": rules}))
    world.attempts(20)
    assert _restores(world, unsigned) == ""


@pytest.fixture
def judged_world():
    """Three days of 20 webhooks a window in each of three tenants, none refused, judged by the shipped rule."""

    def judged(failures: int = 0) -> RolloutWorld:
        memory = memory_world(load_policy(), NOW)
        length, count = timedelta(minutes=5), 3 * 288
        windows = [Window(NOW - back * length, length) for back in range(count, 0, -1)]
        for window in windows:
            events = failures if window is windows[-1] else 0
            memory.signals.deliver(Reading(T2, tenant, window, events, 20, min(events, 1)) for tenant in TENANTS)
        memory.signals.complete(T2, NOW)
        sense(memory.deps, T2)
        classify(memory.deps, T2)
        return RolloutWorld(memory.deps, memory)

    return judged


def test_small_healthy_tenants_as_the_shipped_rule_judges_them_are_restored(judged_world):
    world = judged_world()
    with world.deps.state.transaction() as state:
        words = {found.severity for found in state.verdicts.between(T2, NOW - timedelta(hours=1), NOW)}
    assert words == {Severity.INSUFFICIENT}
    assert "720 attempts with 0 failures in 12 windows" in world.review_restore(None, SIGNATURE).text


def test_small_tenants_with_one_failure_each_are_not(judged_world):
    assert "720 attempts with 3 failures in 12 windows" in _restores(judged_world(failures=1), None)


# --- wallets ------------------------------------------------------------------------------------------------------


def _compared(world, **wallet):
    """tenant-a compared with one of its two wallets changed."""
    ledger = world.memory.ledger
    ledger.add_player("tenant-a", "player-2", 20.0)
    ledger.add_movement("tenant-a", "player-2", LedgerRow("wallet", "credit", 5.0, NOW, status="manual_credit"))
    if wallet:
        ledger.set_wallet("tenant-a", "player-2", **wallet)
    verify(world.deps, "tenant-a")


@pytest.mark.parametrize(
    ("wallet", "says"),
    [
        pytest.param({}, "1 missing; needed: verified clean", id="missing"),
        pytest.param({"available": 5.0}, "1 unexplained, for a human; needed: verified clean", id="unexplained"),
        pytest.param({"available": 25.0}, "1 disputed; needed: verified clean", id="disputed"),
        pytest.param({"available": math.nan}, "1 unreadable, for a human; needed: verified clean", id="unreadable"),
        pytest.param({"available": 20.0}, None, id="equal"),
    ],
)
def test_a_restore_is_refused_while_wallets_are_not_in_order(world, resolved, wallet, says):
    _compared(world, **wallet)
    if says is None:
        assert world.review_restore(resolved).is_needed
    else:
        with pytest.raises(SafetyRefusal, match=rf"backfill of 1 tenant \(tenant-a\): {says}"):
            world.review_restore(resolved)


@pytest.mark.parametrize(("minutes", "is_refused"), [(60, False), (61, True)])
def test_a_comparison_counts_for_an_hour(world, resolved, minutes, is_refused):
    world.memory.wall_clock.advance(timedelta(minutes=minutes))
    if is_refused:
        with pytest.raises(SafetyRefusal, match="compared more than 60 minutes ago"):
            world.review_restore(resolved)
        assert verify_before_restore(world.deps, BALANCE, EVERYWHERE, resolved) == ["tenant-a", "tenant-b"]
    assert world.review_restore(resolved).is_needed


@pytest.mark.parametrize("written", ["force", "undo", "run_script"])
def test_a_comparison_from_before_a_write_counts_no_more(world, resolved, written):
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent(written, "oncall", "plan:1", {}, NOW, tenant_id="tenant-b"))
    with pytest.raises(SafetyRefusal, match=r"1 tenant \(tenant-b\): its wallets were not compared since the last write"):
        world.review_restore(resolved)


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"refused": "needs an approval"}, id="a force that was refused"),
        pytest.param({"wanted": "pause", "reason": "checkout is slow"}, id="an order to pause, as it was recorded once"),
    ],
)
def test_what_wrote_no_wallet_leaves_a_comparison_as_it_is(world, resolved, detail):
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("force", "oncall", "plan:1", detail, NOW, tenant_id="tenant-b"))
    assert world.review_restore(resolved).is_needed


def test_a_comparison_that_can_not_be_read_compared_nothing(world, resolved):
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("verify", "oncall", "tenant:tenant-b", {"is_clean": True}, NOW, tenant_id="tenant-b"))
    with pytest.raises(SafetyRefusal, match=r"1 tenant \(tenant-b\): no player was compared"):
        world.review_restore(resolved)


def test_a_platform_that_names_no_tenant_is_nothing_compared(world, resolved):
    world.memory.ledger.tenants.clear()
    with pytest.raises(SafetyRefusal, match="the platform has no tenant, so no wallet can be compared"):
        world.review_restore(resolved)


def test_where_the_incidents_tenants_are_gone_everybodys_wallets_have_to_be_in_order(world, resolved):
    world.change_incident(resolved, tenants=("gone",))
    world.memory.ledger.add_player("tenant-d", "d1", 10.0)
    with pytest.raises(SafetyRefusal, match=r"backfill of 1 tenant \(tenant-d\): its wallets were not compared"):
        world.review_restore(resolved)


def test_a_tenant_that_was_never_compared_is_named(world):
    world.memory.ledger.add_player("tenant-d", "player-1", 1.0)
    with pytest.raises(SafetyRefusal, match=r"backfill of 1 tenant \(tenant-d\): its wallets were not compared"):
        world.review_restore(None, tenant_id="tenant-d")


def test_wallets_have_no_part_in_the_signature_flag(world):
    world.memory.ledger.set_wallet("tenant-a", "player-1", 1.0)
    verify(world.deps, "tenant-a")
    incident = world.incident(T2)
    world.approved_roll_back(incident, SIGNATURE)
    world.resolve(incident)
    assert world.review_restore(incident, SIGNATURE).is_needed
    assert verify_before_restore(world.deps, SIGNATURE, EVERYWHERE, incident) == []


def test_the_writing_task_compares_again_what_an_approver_took_long_to_answer(world, resolved):
    asked = world.ask_to_restore(resolved)
    world.memory.wall_clock.advance(timedelta(minutes=90))
    world.memory.ledger.set_wallet("tenant-b", "player-1", 1.0)
    world.answer(asked)
    with pytest.raises(SafetyRefusal, match=r"1 tenant \(tenant-b\): 1 unexplained, for a human"):
        world.restore(resolved)
    assert not _is_on(world)


# --- validation ---------------------------------------------------------------------------------------------------


PROBE = {BALANCE: {"url": "https://test.example/withdraw-check"}}


@pytest.fixture
def probed() -> RolloutWorld:
    """A policy that names a probe of the test environment for the balance flag."""
    policy = load_policy()
    return rollout_world(policy.model_copy(update={"restore": RestoreRules.model_validate({"probes": PROBE})}))


def _probe_answers(world: RolloutWorld, status: int | None, *, passed: bool, words: str) -> None:
    world.memory.validation.will_answer(BALANCE, PROBE[BALANCE]["url"], status, passed=passed, words=words)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(None, "withdraw-check, was not asked", id="nothing can ask it"),
        pytest.param((None, False, "did not answer (ConnectError)"), "did not answer", id="no answer"),
        pytest.param((500, False, "answered 500; needed: 200"), "answered 500; needed: 200", id="another answer"),
        pytest.param((200, True, "answered 200"), None, id="passed"),
    ],
)
def test_where_a_probe_is_named_its_answer_counts_and_no_statement(probed, answer, says):
    if answer is not None:
        _probe_answers(probed, answer[0], passed=answer[1], words=answer[2])
    if says is None:
        text = probed.review_restore(None, validation={}).text
        assert "Validated by the probe of the test environment: https://test.example/withdraw-check answered 200" in text
    else:
        with pytest.raises(SafetyRefusal, match=says):
            probed.review_restore(None)


def test_a_probe_that_fails_after_the_approval_stops_the_restore(probed):
    _probe_answers(probed, 200, passed=True, words="answered 200")
    probed.answer(probed.ask_to_restore(None))
    _probe_answers(probed, 503, passed=False, words="answered 503; needed: 200")
    with pytest.raises(SafetyRefusal, match="answered 503"):
        probed.restore(None)
    assert not _is_on(probed)


def test_the_record_says_by_what_it_was_validated(world, probed, resolved):
    _probe_answers(probed, 200, passed=True, words="answered 200")
    for each, incident in ((probed, None), (world, resolved)):
        each.answer(each.ask_to_restore(incident))
        each.restore(incident)
    assert probed.audit("restore")[-1]["validation"] == {"by": "probe", "url": PROBE[BALANCE]["url"], "status": 200}
    assert world.audit("restore")[-1]["validation"] == {"by": "statement", "stated_by": "oncall", **VALIDATION}


# --- overrides ----------------------------------------------------------------------------------------------------


@pytest.fixture
def frozen(world) -> RolloutWorld:
    """T3 severe froze the flag for everyone; the incident is over, its root cause not found yet; tenant-a is a new tenant."""
    incident = world.incident(T3)
    freeze(world.deps, BALANCE, EVERYWHERE, incident, "T3 severe", "ledger_guard")
    world.resolve(incident)
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    return world


def _override(world: RolloutWorld, **changes: object):
    given = {"flag": BALANCE, "tenant_id": "tenant-a", "hours": 2, "reason": "a pilot agreed on before", "by": "ops-lead"}
    return override_freeze(world.deps, **{**given, **changes})


NOTHING_WRITTEN = {"root_cause": "", "root_cause_link": "", "root_cause_owner": ""}


def test_an_override_lets_one_tenant_be_enabled_with_an_approval_and_lifts_nothing(frozen):
    override = _override(frozen)
    proposal = frozen.review_restore(None, tenant_id="tenant-a", **NOTHING_WRITTEN)
    assert 'A freeze stays active; override by ops-lead until 2026-03-02T05:00:00Z, who wrote "a pilot' in proposal.text
    frozen.answer(frozen.ask(ApprovalKind.FLAG_RESTORE, proposal, None))
    frozen.restore(None, tenant_id="tenant-a", **NOTHING_WRITTEN)
    assert [frozen.deps.flags.effective(BALANCE, tenant) for tenant in ("tenant-a", "tenant-b")] == [True, False]
    assert [found.tenant_id for found in frozen.freezes()] == [EVERYWHERE]
    assert frozen.audit("restore")[-1]["overrides"] == [override.override_id]
    assert frozen.audit("restore")[-1]["lifted_freezes"] == []


def test_an_override_lifts_not_even_the_tenants_own_freeze(frozen):
    """The root cause of the freeze that stands for everyone may be that of the tenant's own as well."""
    freeze(frozen.deps, BALANCE, "tenant-a", None, "tenant-a drifts too", "oncall")
    _override(frozen)
    frozen.answer(frozen.ask_to_restore(None, tenant_id="tenant-a"))
    frozen.restore(None, tenant_id="tenant-a")
    assert frozen.deps.flags.effective(BALANCE, "tenant-a") is True
    assert [found.tenant_id for found in frozen.freezes()] == [EVERYWHERE, "tenant-a"]


@pytest.mark.parametrize("tenant_id", ["tenant-b", EVERYWHERE])
def test_an_override_is_for_its_tenant_alone(frozen, tenant_id):
    _override(frozen)
    with pytest.raises(SafetyRefusal, match="frozen for everyone by incident"):
        frozen.review_restore(None, tenant_id=tenant_id)


@pytest.mark.parametrize(
    ("minutes", "is_refused"), [pytest.param(119, False, id="in time"), pytest.param(120, True, id="expired")]
)
def test_an_override_that_expired_before_the_write_permits_nothing(frozen, minutes, is_refused):
    _override(frozen)
    frozen.answer(frozen.ask_to_restore(None, tenant_id="tenant-a"))
    frozen.memory.wall_clock.advance(timedelta(minutes=minutes))
    if is_refused:
        with pytest.raises(SafetyRefusal, match="frozen for everyone by incident"):
            frozen.restore(None, tenant_id="tenant-a")
    else:
        frozen.restore(None, tenant_id="tenant-a")
    assert frozen.deps.flags.effective(BALANCE, "tenant-a") is not is_refused


def test_an_override_that_was_ended_permits_nothing(frozen):
    override = _override(frozen)
    end_override(frozen.deps, override.override_id, "oncall")
    with pytest.raises(SafetyRefusal, match="frozen for everyone by incident"):
        frozen.review_restore(None, tenant_id="tenant-a")
    assert [detail["stage"] for detail in frozen.audit("override")] == ["granted", "ended"]


def test_an_override_excuses_from_the_freeze_and_from_nothing_else(frozen):
    _override(frozen)
    frozen.windows(Severity.NO_DATA, tenants=("tenant-a",))
    frozen.incident(T1)
    with pytest.raises(SafetyRefusal) as refused:
        frozen.review_restore(None, tenant_id="tenant-a", validation={}, **NOTHING_WRITTEN)
    for item in ("T1 severe", "T1: 0 of its newest", "passed true"):
        assert item in str(refused.value)
    assert "root cause" not in str(refused.value)


def test_another_override_than_the_approved_one_voids_the_approval(frozen):
    first = _override(frozen)
    frozen.answer(frozen.ask_to_restore(None, tenant_id="tenant-a"))
    end_override(frozen.deps, first.override_id, "oncall")
    _override(frozen, reason="another reason than the approved one")
    with pytest.raises(SafetyRefusal, match="another state"):
        frozen.restore(None, tenant_id="tenant-a")
    assert not frozen.deps.flags.effective(BALANCE, "tenant-a")


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        pytest.param({"by": "intern"}, SafetyRefusal, "intern may not grant .* allowed: payments-lead, ops-lead", id="not named"),
        pytest.param({"hours": 25}, SafetyRefusal, "25 hours is more than the policy's maximum of 24", id="for too long"),
        pytest.param({"hours": 0}, BadInputError, "hours: is 0", id="for no time"),
        pytest.param({"hours": float("nan")}, BadInputError, "hours: is nan", id="for a time that is none"),
        pytest.param({"reason": " short "}, BadInputError, "the reason has 5 characters", id="no reason"),
        pytest.param({"tenant_id": EVERYWHERE}, BadInputError, "allowed: one tenant", id="for everyone"),
        pytest.param({"tenant_id": "nobody"}, BadInputError, "knows no tenant", id="unknown tenant"),
        pytest.param({"flag": SIGNATURE}, BadInputError, "is not frozen", id="nothing is frozen"),
    ],
)
def test_an_override_needs_a_named_person_a_reason_an_end_and_a_freeze(frozen, given, error, says):
    with pytest.raises(error, match=says):
        _override(frozen, **given)
    with frozen.deps.state.transaction() as state:
        assert state.overrides.in_force(NOW) == []


# --- freezes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frozen", "wanted", "is_frozen"),
    [
        pytest.param(EVERYWHERE, "tenant-a", True, id="a global freeze covers a tenant"),
        pytest.param("tenant-a", EVERYWHERE, True, id="a tenant's freeze covers everyone"),
        pytest.param("tenant-a", "tenant-a", True, id="a tenant's freeze covers the tenant"),
        pytest.param("tenant-a", "tenant-b", False, id="a tenant's freeze leaves another tenant alone"),
    ],
)
def test_a_freeze_covers_its_scope_and_what_contains_it(world, frozen, wanted, is_frozen):
    opened = freeze(world.deps, BALANCE, frozen, None, "stop the rollout", "oncall")
    assert standing_freezes(world.deps, BALANCE, wanted) == ([opened] if is_frozen else [])
    assert standing_freezes(world.deps, SIGNATURE, wanted) == []
    if is_frozen:
        with pytest.raises(SafetyRefusal, match="frozen for"):
            world.review_restore(world_incident(world), tenant_id=wanted)


def world_incident(world: RolloutWorld) -> str:
    """A resolved incident that froze nothing."""
    incident = world.incident()
    world.resolve(incident)
    return incident


def test_freezing_the_same_scope_for_the_same_incident_again_is_the_same_freeze(world):
    incident = world.incident()
    first = freeze(world.deps, BALANCE, EVERYWHERE, incident, "stop the rollout", "oncall")
    assert freeze(world.deps, BALANCE, EVERYWHERE, incident, "again", "oncall") == first
    assert len(world.audit("freeze")) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"reason": ""}, "the reason is empty", id="no reason"),
        pytest.param({"actor": ""}, "the actor is empty", id="no actor"),
        pytest.param({"flag": "ledger"}, "flag: 'ledger' is unknown", id="unknown flag"),
        pytest.param({"tenant_id": ""}, "tenant id: is empty", id="empty tenant"),
        pytest.param({"incident_id": "00000000-0000-0000-0000-000000000001"}, "does not exist", id="unknown incident"),
    ],
)
def test_a_freeze_needs_a_known_scope_a_reason_and_an_actor(world, given, says):
    known = {"flag": BALANCE, "tenant_id": EVERYWHERE, "incident_id": None, "reason": "stop", "actor": "oncall"}
    with pytest.raises(BadInputError, match=says):
        freeze(world.deps, **{**known, **given})
    assert world.freezes() == []


def test_a_restore_is_refused_while_another_incident_freezes_the_flag(world, resolved):
    other = world.incident(T3)
    freeze(world.deps, BALANCE, EVERYWHERE, other, "T3 severe", "ledger_guard")
    world.resolve(other)
    with pytest.raises(SafetyRefusal, match=f"frozen for everyone by incident {other} since .*T3 severe"):
        world.review_restore(resolved)


def test_a_tenants_restore_is_refused_while_the_own_incident_freezes_everyone(world, resolved):
    with pytest.raises(SafetyRefusal, match="frozen for everyone by incident"):
        world.review_restore(resolved, tenant_id="tenant-a")


# --- the write ----------------------------------------------------------------------------------------------------


def test_an_approved_restore_enables_the_flag_and_lifts_its_own_freezes_with_the_root_cause(world, resolved):
    freeze(world.deps, BALANCE, "tenant-a", resolved, "tenant-a is worst", "oncall")
    world.answer(world.ask_to_restore(resolved), by="ops-lead")
    change = world.restore(resolved)
    assert (change.from_value, change.to_value, change.requested_by, change.approved_by) == (False, True, "oncall", "ops-lead")
    assert _is_on(world)
    assert world.freezes() == []
    done = world.audit("restore")[-1]
    assert (done["root_cause"], done["root_cause_link"], len(done["lifted_freezes"])) == (ROOT_CAUSE, LINK, 2)
    with world.deps.state.transaction() as state:
        lifted = [state.freezes.get(freeze_id) for freeze_id in done["lifted_freezes"]]
    told = {(found.lifted_by, found.root_cause, found.root_cause_owner, found.root_cause_by) for found in lifted}
    assert told == {("ops-lead", ROOT_CAUSE, OWNER, "oncall")}
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.UNCONFIRMED


def test_tenants_that_a_rollback_turned_off_stay_off_until_a_restore_of_their_own(world):
    world.memory.flags.put(BALANCE, "tenant-a", True)
    incident = world.incident()
    world.approved_roll_back(incident)
    world.resolve(incident)
    assert "Not for 1 tenant (tenant-a)" in world.review_restore(incident).text
    world.answer(world.ask_to_restore(incident))
    world.restore(incident)
    assert (_is_on(world), world.deps.flags.effective(BALANCE, "tenant-a")) == (True, False)
    world.answer(world.ask_to_restore(incident, tenant_id="tenant-a"))
    world.restore(incident, tenant_id="tenant-a")
    assert world.deps.flags.effective(BALANCE, "tenant-a") is True


def test_a_new_tenant_is_enabled_alone(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    world.restore(resolved)
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    world.answer(world.ask_to_restore(None, tenant_id="tenant-a"))
    change = world.restore(None, tenant_id="tenant-a")
    assert (change.from_value, change.to_value, change.incident_id) == (None, True, None)
    assert [world.deps.flags.effective(BALANCE, tenant) for tenant in ("tenant-a", "tenant-b")] == [True, False]


def test_a_flag_that_is_on_already_is_not_written_and_its_freeze_is_lifted(world):
    incident = world.incident(T3)
    freeze(world.deps, BALANCE, EVERYWHERE, incident, "T3 severe", "ledger_guard")
    world.resolve(incident)
    proposal = world.review_restore(incident)
    assert proposal.is_needed
    assert proposal.text.startswith("Leave ledger_enforce_balance on for everyone and lift 1 freeze(s).")
    world.answer(world.ask_to_restore(incident))
    change = world.restore(incident)
    assert (change.from_value, change.to_value) == (True, True)
    assert world.deps.flags.get(BALANCE, EVERYWHERE).version == 1
    assert world.freezes() == []
    assert world.restore(incident) == change


def test_a_flag_that_is_on_with_no_freeze_needs_no_restore(world):
    assert world.review_restore(None).is_needed is False


# --- attacks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param({"by": "oncall"}, "oncall asked for it and can't approve it too", id="who wrote the root cause approves it"),
        pytest.param(
            {"by": "Oncall"},
            "Oncall may be oncall, who asked for it and can't approve it too",
            id="so does a second account of theirs",
        ),
        pytest.param({"by": "intern"}, "intern may not approve", id="not an approver"),
        pytest.param({"reason": "123456789"}, "fewer than 10", id="reason of 9 characters"),
        pytest.param({"option": "Reject"}, "rejected", id="rejected"),
    ],
)
def test_an_answer_that_does_not_count_enables_nothing_and_lifts_nothing(world, resolved, answer, says):
    world.answer(world.ask_to_restore(resolved), **answer)
    with pytest.raises(SafetyRefusal, match=says):
        world.restore(resolved)
    assert not _is_on(world)
    assert len(world.freezes()) == 1


def test_a_gate_marked_success_by_hand_enables_nothing(world, resolved):
    world.ask_to_restore(resolved)
    with pytest.raises(SafetyRefusal, match="has not been answered"):
        world.restore(resolved)
    assert not _is_on(world)


@pytest.mark.parametrize(
    "swapped",
    [
        pytest.param({"root_cause": "a wholly different story than the approved one"}, id="root cause"),
        pytest.param({"root_cause_link": "OPS-999"}, id="link"),
        pytest.param({"root_cause_owner": "another-team"}, id="owner"),
        pytest.param(_validation(reference="another run"), id="validation"),
    ],
)
def test_evidence_swapped_after_the_approval_voids_it(world, resolved, swapped):
    world.answer(world.ask_to_restore(resolved))
    with pytest.raises(SafetyRefusal, match="another state"):
        world.restore(resolved, **swapped)
    assert not _is_on(world)


def test_a_freeze_opened_after_the_approval_stops_the_restore(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    freeze(world.deps, BALANCE, "tenant-b", None, "stop the rollout", "payments-lead")
    with pytest.raises(SafetyRefusal, match="frozen for tenant tenant-b by payments-lead"):
        world.restore(resolved)
    assert not _is_on(world)


def test_an_incident_opened_after_the_approval_stops_the_restore(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    world.incident(T3)
    with pytest.raises(SafetyRefusal, match="T3 severe"):
        world.restore(resolved)
    assert not _is_on(world)


def test_a_flag_changed_after_the_approval_stops_the_restore_and_says_how(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    with pytest.raises(SafetyRefusal, match=r"approved: everyone off \(version 2\); now: everyone off \(version 3\)"):
        world.restore(resolved)


def test_the_approval_of_a_restore_is_used_once(world, resolved):
    world.answer(world.ask_to_restore(resolved))
    change = world.restore(resolved)
    assert world.restore(resolved) == change
    world.memory.flags.put(BALANCE, EVERYWHERE, False)
    with pytest.raises(SafetyRefusal, match="an approval is used once"):
        world.restore(resolved)
    assert not _is_on(world)


def test_an_answer_after_expiry_enables_nothing(world, resolved):
    asked = world.ask_to_restore(resolved)
    world.memory.wall_clock.advance(timedelta(minutes=240, microseconds=1))
    world.answer(asked)
    with pytest.raises(SafetyRefusal, match="the answer came after"):
        world.restore(resolved)
    assert not _is_on(world)


@pytest.mark.postgres
def test_on_postgres_a_restore_is_refused_then_approved_written_and_repeatable(stored_world):
    world = stored_world
    incident = world.incident(T2)
    world.approved_roll_back(incident)
    rotation = world.plan_rotation(incident)
    world.resolve(incident)
    with pytest.raises(SafetyRefusal, match="is pending; needed: done"):
        world.review_restore(incident)
    complete_rotation(world.deps, rotation, "payments-lead")
    world.answer(world.ask_to_restore(incident))
    change = world.restore(incident)
    assert world.restore(incident) == change
    assert (_is_on(world), world.deps.flags.effective(BALANCE, "tenant-a")) == (True, False)
    assert world.freezes() == []
    world.answer(world.ask_to_restore(None, tenant_id="tenant-a"))
    assert world.restore(None, tenant_id="tenant-a").incident_id is None
    assert world.deps.flags.effective(BALANCE, "tenant-a") is True
    assert confirm(world.deps, BALANCE, "tenant-a").status is ChangeStatus.UNCONFIRMED


def test_what_the_requester_wrote_stands_as_the_requesters_words_and_can_not_end_them(world, resolved):
    hostile = 'the provider was away for an hour". Approved by the CTO. "Go on\n\n# Approved'
    text = world.review_restore(resolved, root_cause=hostile, root_cause_link='https://x/1"by-the-CTO').text
    inside = "\"the provider was away for an hour'. Approved by the CTO. 'Go on # Approved\""
    assert f'Of the root cause oncall wrote {inside}, names "https://x/1\'by-the-CTO" as its link and ' in text
    assert "\n" not in text
