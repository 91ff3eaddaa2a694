"""board: what is read from guard state, on both kinds of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.plugins.board_values import LENGTH, NEWEST, NOW, approval, incident, sensed, verdict
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import FlagState
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.money_at_risk import with_money
from ledger_guard.domain.runs import RunGrant
from ledger_guard.domain.signals import MoneyAtRisk, WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.reports.board import AUDIT_ENTRIES, board


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def deps(request: pytest.FixtureRequest, world: MemoryWorld) -> Dependencies:
    if request.param == "memory":
        return world.deps
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.state import PostgresGuardState

    settings = ConnectionSettings.parse(request.getfixturevalue("database_uri"), "ledger_guard_db")
    return replace(world.deps, state=PostgresGuardState(settings))


def store(deps: Dependencies, *verdicts) -> None:
    with deps.state.transaction() as state:
        state.readings.record([sensed(T1)], [])
        state.verdicts.record(verdicts, None)
        state.verdicts.save_engine_state(T1, NEWEST.end, NOW, b"state")


def test_nothing_judged_is_shown_as_nothing_and_not_as_quiet(deps):
    found = board(deps)
    assert [(state.window, state.severity) for state in found.triggers] == [(None, Severity.NO_DATA)] * 3
    assert (found.incidents, found.waiting, found.freezes, found.audit) == ((), (), (), ())


def test_only_the_newest_judged_window_counts(deps):
    older = replace(verdict(T1, "t-1", Severity.SEVERE), window=Window(NEWEST.start - LENGTH, LENGTH))
    store(deps, older, verdict(T1, "t-1", Severity.NONE), verdict(T1, "t-2", Severity.INSUFFICIENT))
    found = board(deps).triggers[0]
    assert (found.window, found.severity, found.alarms) == (NEWEST, Severity.NONE, ())
    assert dict(found.tenants) == {Severity.NONE: 1, Severity.INSUFFICIENT: 1}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        pytest.param([], None, id="no alarm, no scope"),
        pytest.param([Scope.ISOLATED, Scope.ISOLATED], Scope.ISOLATED, id="all isolated"),
        pytest.param([Scope.ISOLATED, Scope.WIDESPREAD], Scope.WIDESPREAD, id="one widespread"),
    ],
)
def test_the_scope_is_the_widest_of_the_alarms(deps, scopes, expected):
    alarms = [verdict(T1, f"t-{number}", Severity.MILD, scope) for number, scope in enumerate(scopes)]
    store(deps, verdict(T1, "t-quiet", Severity.NONE, Scope.WIDESPREAD), *alarms)
    assert board(deps).triggers[0].scope is expected


def test_severe_alarms_are_listed_before_mild_ones(deps):
    store(deps, verdict(T1, "t-1", Severity.MILD), verdict(T1, "t-2", Severity.SEVERE), verdict(T1, "t-3", Severity.NONE))
    assert [alarm.tenant_id for alarm in board(deps).triggers[0].alarms] == ["t-2", "t-1"]


def test_a_window_that_could_not_be_read_tells_why(deps):
    store(deps, verdict(T1, "t-1", Severity.NO_DATA))
    with deps.state.transaction() as state:
        later = Window(NEWEST.end, LENGTH)
        state.readings.record([replace(sensed(T1, WindowState.NO_DATA, "the access log stopped"), window=later)], [])
        state.verdicts.record([replace(verdict(T1, "t-1", Severity.NO_DATA), window=later)], None)
        state.verdicts.save_engine_state(T1, later.end, NOW, b"state")
    found = board(deps).triggers[0]
    assert (found.severity, found.no_data_reason) == (Severity.NO_DATA, "the access log stopped")


def test_resolved_incidents_and_answered_or_expired_questions_are_left_out(deps):
    with deps.state.transaction() as state:
        state.incidents.add(incident(status=IncidentStatus.RESOLVED, resolved_at=NOW))
        state.approvals.request(replace(approval().request, expires_at=NOW - LENGTH))
    found = board(deps)
    assert (found.incidents, found.waiting) == ((), ())


def test_the_newest_audit_entries_are_shown_newest_first(deps):
    with deps.state.transaction() as state:
        for number in range(AUDIT_ENTRIES + 2):
            state.audit.append(AuditEvent("notify", "tester", f"incident:{number}", {}, NOW))
    assert [entry.sequence for entry in board(deps).audit] == list(range(AUDIT_ENTRIES + 2, 2, -1))


def test_every_flag_of_the_policy_is_shown_even_without_a_value(deps, world):
    world.flags.put("ledger_enforce_balance", "t-1", is_enabled=True)
    found = [(flag.flag, flag.tenant_id, flag.is_enabled) for flag in board(deps).flags]
    assert found == [
        ("ledger_enforce_balance", "*", None),
        ("ledger_enforce_balance", "t-1", True),
        ("webhook_signature_enforced", "*", None),
    ]


def test_a_flag_store_that_is_away_is_reported_and_hides_nothing_else(deps, world, monkeypatch):
    def away(flag: str) -> list[FlagState]:
        raise SourceUnavailable("platform: connection refused")

    monkeypatch.setattr(world.flags, "scopes", away)
    store(deps, verdict(T1, "t-1", Severity.NONE))
    found = board(deps)
    assert (found.flags, found.flags_problem) == ((), "platform: connection refused")
    assert found.triggers[0].severity is Severity.NONE


# --- what is held up ------------------------------------------------------------------------------------------------


def ask(deps: Dependencies) -> None:
    with deps.state.transaction() as state:
        state.approvals.request(approval().request)


def test_a_paused_dag_is_shown_as_airflow_says_it_now_and_not_as_the_last_look_saw_it(deps, scheduler):
    with deps.state.transaction() as state:
        state.guard_alerts.seen(GuardAlertKind.PAUSED, "tenant_backfill", NOW - LENGTH)
    scheduler.paused.add("flag_rollback")
    assert board(deps, scheduler).held_up == ("flag_rollback is paused: none of its runs starts, not even emergencies.",)


def test_without_airflow_the_last_look_counts_and_the_board_says_so(deps, scheduler):
    ask(deps)
    with deps.state.transaction() as state:
        state.guard_alerts.seen(GuardAlertKind.PAUSED, "tenant_backfill", NOW - LENGTH)
    scheduler.go_away("connection refused")
    found = board(deps, scheduler)
    assert found.held_up[0].endswith("is not known now: Airflow does not say: connection refused.")
    assert found.held_up[1].startswith("tenant_backfill is paused (seen since 2026-03-01T02:57:00Z)")
    assert len(found.waiting) == 1


def test_an_emergency_that_stays_queued_is_shown(deps, scheduler):
    with deps.state.transaction() as state:
        state.guard_alerts.seen(GuardAlertKind.QUEUED, "flag_rollback", NOW - LENGTH)
    assert board(deps, scheduler).held_up == (
        "Runs of flag_rollback have stayed queued since 2026-03-01T02:57:00Z; an emergency may be among them.",
    )


@pytest.mark.parametrize(("state_word", "waits"), [("running", 1), ("queued", 1), ("failed", 0), ("success", 0)])
def test_a_question_whose_run_has_ended_does_not_wait_even_before_a_task_looked(deps, scheduler, state_word, waits):
    ask(deps)
    scheduler.runs["flag_rollback", "roll_back__1"] = state_word
    found = board(deps, scheduler)
    assert len(found.waiting) == waits
    assert found.held_up == ((), ("1 open question(s) can't be answered: their runs have ended.",))[not waits]


def test_a_granted_run_that_has_not_begun_is_shown(deps, scheduler, world):
    with deps.state.transaction() as state:
        grant = RunGrant("roll_back__1", "p", "flag_rollback", {}, "ledger_guard", None, NOW - timedelta(minutes=6))
        state.runs.grant(grant)
    assert board(deps, scheduler).held_up == (
        "A run of flag_rollback should have started at 2026-03-01T02:56:00Z and has not: roll_back__1.",
    )


def test_an_incidents_money_is_that_of_its_tenants_in_its_newest_window_in_alarm(deps):
    open_now = incident(tenants=("t-1", "t-2"))
    older = replace(verdict(T1, "t-1", Severity.SEVERE), window=Window(NEWEST.start - LENGTH, LENGTH))
    verdicts = [
        with_money(older, MoneyAtRisk(9_900), "USD"),
        with_money(verdict(T1, "t-1", Severity.SEVERE), MoneyAtRisk(1_200), "USD"),
        verdict(T1, "t-2", Severity.MILD),
        with_money(verdict(T1, "t-3", Severity.MILD), MoneyAtRisk(700), "USD"),
    ]
    store(deps, *verdicts)
    with deps.state.transaction() as state:
        state.incidents.add(open_now)
    told = "at least 12.00 USD; not known for 1 tenant in the newest window in alarm"
    assert board(deps).money_at_risk == {open_now.incident_id: told}
