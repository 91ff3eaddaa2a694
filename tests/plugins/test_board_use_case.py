"""board: what is read from guard state, on both kinds of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.plugins.board_values import LENGTH, NEWEST, NOW, approval, incident, sensed, verdict
from tests.triggers import T1

from ledger_guard.adapters.memory.guard import MemoryWorld
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import FlagState
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.signals import WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Guard
from ledger_guard.use_cases.reports.board import AUDIT_ENTRIES, board


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def guard(request: pytest.FixtureRequest, world: MemoryWorld) -> Guard:
    if request.param == "memory":
        return world.guard
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.state import PostgresGuardState

    settings = ConnectionSettings.parse(request.getfixturevalue("database_uri"), "ledger_guard_db")
    return replace(world.guard, state=PostgresGuardState(settings))


def store(guard: Guard, *verdicts) -> None:
    with guard.state.transaction() as state:
        state.readings.record([sensed(T1)], [])
        state.verdicts.record(verdicts, None)
        state.verdicts.save_engine_state(T1, NEWEST.end, NOW, b"state")


def test_nothing_judged_is_shown_as_nothing_and_not_as_quiet(guard):
    found = board(guard)
    assert [(state.window, state.severity) for state in found.triggers] == [(None, Severity.NO_DATA)] * 3
    assert (found.incidents, found.waiting, found.freezes, found.audit) == ((), (), (), ())


def test_only_the_newest_judged_window_counts(guard):
    older = replace(verdict(T1, "t-1", Severity.SEVERE), window=Window(NEWEST.start - LENGTH, LENGTH))
    store(guard, older, verdict(T1, "t-1", Severity.NONE), verdict(T1, "t-2", Severity.INSUFFICIENT))
    found = board(guard).triggers[0]
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
def test_the_scope_is_the_widest_of_the_alarms(guard, scopes, expected):
    alarms = [verdict(T1, f"t-{number}", Severity.MILD, scope) for number, scope in enumerate(scopes)]
    store(guard, verdict(T1, "t-quiet", Severity.NONE, Scope.WIDESPREAD), *alarms)
    assert board(guard).triggers[0].scope is expected


def test_severe_alarms_are_listed_before_mild_ones(guard):
    store(guard, verdict(T1, "t-1", Severity.MILD), verdict(T1, "t-2", Severity.SEVERE), verdict(T1, "t-3", Severity.NONE))
    assert [alarm.tenant_id for alarm in board(guard).triggers[0].alarms] == ["t-2", "t-1"]


def test_a_window_that_could_not_be_read_tells_why(guard):
    store(guard, verdict(T1, "t-1", Severity.NO_DATA))
    with guard.state.transaction() as state:
        later = Window(NEWEST.end, LENGTH)
        state.readings.record([replace(sensed(T1, WindowState.NO_DATA, "the access log stopped"), window=later)], [])
        state.verdicts.record([replace(verdict(T1, "t-1", Severity.NO_DATA), window=later)], None)
        state.verdicts.save_engine_state(T1, later.end, NOW, b"state")
    found = board(guard).triggers[0]
    assert (found.severity, found.no_data_reason) == (Severity.NO_DATA, "the access log stopped")


def test_resolved_incidents_and_answered_or_expired_questions_are_left_out(guard):
    with guard.state.transaction() as state:
        state.incidents.add(incident(status=IncidentStatus.RESOLVED, resolved_at=NOW))
        state.approvals.request(replace(approval().request, expires_at=NOW - LENGTH))
    found = board(guard)
    assert (found.incidents, found.waiting) == ((), ())


def test_the_newest_audit_entries_are_shown_newest_first(guard):
    with guard.state.transaction() as state:
        for number in range(AUDIT_ENTRIES + 2):
            state.audit.append(AuditEvent("notify", "tester", f"incident:{number}", {}, NOW))
    assert [entry.sequence for entry in board(guard).audit] == list(range(AUDIT_ENTRIES + 2, 2, -1))


def test_every_flag_of_the_policy_is_shown_even_without_a_value(guard, world):
    world.flags.put("ledger_enforce_balance", "t-1", is_enabled=True)
    found = [(flag.flag, flag.tenant_id, flag.is_enabled) for flag in board(guard).flags]
    assert found == [
        ("ledger_enforce_balance", "*", None),
        ("ledger_enforce_balance", "t-1", True),
        ("webhook_signature_enforced", "*", None),
    ]


def test_a_flag_store_that_is_away_is_told_and_hides_nothing_else(guard, world, monkeypatch):
    def away(flag: str) -> list[FlagState]:
        raise SourceUnavailable("platform: connection refused")

    monkeypatch.setattr(world.flags, "scopes", away)
    store(guard, verdict(T1, "t-1", Severity.NONE))
    found = board(guard)
    assert (found.flags, found.flags_problem) == ((), "platform: connection refused")
    assert found.triggers[0].severity is Severity.NONE
