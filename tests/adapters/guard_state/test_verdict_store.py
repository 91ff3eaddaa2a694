"""What every VerdictStore promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.adapters.guard_state.samples import NOON, a_verdict, a_window, an_incident
from tests.triggers import T1, T2

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.verdicts import Severity
from ledger_guard.ports.guard_state import GuardState


def record(state: GuardState, verdicts, incident_id=None) -> None:
    with state.transaction() as transaction:
        transaction.verdicts.record(verdicts, incident_id)


def stored(state: GuardState):
    with state.transaction() as transaction:
        return transaction.verdicts.between(T1, a_window(-100).start, a_window(100).start)


def test_verdicts_come_back_with_their_reasons_by_window_then_tenant(state):
    verdicts = [a_verdict(1), a_verdict(0, "tenant-b"), a_verdict(0, "Tenant-z", reasons={"since": None, "rule": "sustained"})]
    record(state, verdicts)
    assert stored(state) == verdicts[::-1]


def test_a_range_holds_windows_that_begin_in_it_its_end_excluded(state):
    record(state, [a_verdict(n) for n in range(3)])
    with state.transaction() as transaction:
        assert transaction.verdicts.between(T1, a_window(1).start, a_window(2).start) == [a_verdict(1)]


def test_a_later_judgement_of_the_same_tenant_and_window_replaces_the_earlier(state):
    record(state, [a_verdict(0), a_verdict(0, "tenant-b")])
    later = a_verdict(0, severity=Severity.SEVERE, sentence="eight times the usual rate", reasons={"ratio": 8})
    record(state, [later])
    assert stored(state) == [later, a_verdict(0, "tenant-b")]


def test_the_last_of_several_judgements_given_at_once_counts(state):
    record(state, [a_verdict(0), a_verdict(0, severity=Severity.MILD), a_verdict(0, severity=Severity.SEVERE)])
    assert [verdict.severity for verdict in stored(state)] == [Severity.SEVERE]


def test_verdicts_hang_on_an_incident_that_exists(state):
    incident = an_incident()
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.verdicts.record([a_verdict(0)], incident.incident_id)
    with pytest.raises(BadInputError, match="incident"):
        record(state, [a_verdict(1)], new_id())
    assert stored(state) == [a_verdict(0)]


@pytest.mark.postgres
def test_a_verdict_stays_with_the_incident_it_was_part_of_and_one_of_none_can_join(postgres_state):
    """Postgres alone: how the memory tables link them is asked where late data are classified."""
    first = an_incident()
    with postgres_state.transaction() as transaction:
        transaction.incidents.add(first)
        transaction.verdicts.record([a_verdict(0)], first.incident_id)
        transaction.verdicts.record([a_verdict(0, "tenant-b")], None)
        transaction.incidents.save(replace(first, status=IncidentStatus.RESOLVED, resolved_at=NOON))
        second = an_incident()
        transaction.incidents.add(second)
        transaction.verdicts.record([a_verdict(0, sentence="again"), a_verdict(0, "tenant-b")], second.incident_id)
        transaction.verdicts.record([a_verdict(0, sentence="and again")], None)
        rows = transaction.connection.execute(
            "select tenant_id, sentence, incident_id::text from ledger_guard.verdict"
        ).fetchall()
    found = {row["tenant_id"]: (row["sentence"], row["incident_id"]) for row in rows}
    assert found == {
        "tenant-a": ("and again", first.incident_id),
        "tenant-b": (a_verdict(0).sentence, second.incident_id),
    }


def test_withdrawn_verdicts_are_gone_and_no_others(state):
    record(state, [a_verdict(n, tenant) for n in (0, 1) for tenant in ("tenant-a", "tenant-b")])
    with state.transaction() as transaction:
        transaction.verdicts.withdraw(T1, a_window(0), ["tenant-b", "unknown"])
        transaction.verdicts.withdraw(T1, a_window(5), ["tenant-a"])
        transaction.verdicts.withdraw(T2, a_window(1), ["tenant-a"])
    assert stored(state) == [a_verdict(0), a_verdict(1), a_verdict(1, "tenant-b")]


def test_reasons_without_a_json_form_are_refused(state):
    with pytest.raises(ValueError, match="JSON"):
        record(state, [a_verdict(0, reasons={"rate": float("nan")})])
    assert stored(state) == []


def test_the_engine_remembers_what_it_saved_last(state):
    with state.transaction() as transaction:
        assert transaction.verdicts.engine_state(T1) is None
        transaction.verdicts.save_engine_state(T1, a_window(0).end, NOON, b"\x00first")
        transaction.verdicts.save_engine_state(T1, a_window(1).end, a_window(2).end, b"\x00second\xff")
    with state.transaction() as transaction:
        assert transaction.verdicts.engine_state(T1) == b"\x00second\xff"
        assert transaction.verdicts.judged_through(T1) == a_window(1).end
        assert transaction.verdicts.last_judged_at(T1) == a_window(2).end
        assert transaction.verdicts.engine_state(T2) is None


def test_before_the_engine_saved_anything_the_newest_verdict_says_how_far_it_judged(state):
    with state.transaction() as transaction:
        assert transaction.verdicts.judged_through(T1) is None
        assert transaction.verdicts.last_judged_at(T1) is None
        transaction.verdicts.record([a_verdict(3), a_verdict(1)], None)
        assert transaction.verdicts.judged_through(T1) == a_window(3).end
