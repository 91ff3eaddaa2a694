"""What every IncidentStore and ActionStore promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, an_action, an_incident
from tests.triggers import T1, T3

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import ActionStatus, IncidentStatus


def resolved(incident):
    return replace(incident, status=IncidentStatus.RESOLVED, resolved_at=NOON)


def test_an_incident_comes_back_as_it_was_added(state):
    incident = an_incident(tenants=("a", "b,c", 'd"e'), thread_channel="C1", thread_ts="17.5", mitigated_at=NOON)
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
    with state.transaction() as transaction:
        assert transaction.incidents.get(incident.incident_id) == incident
        assert transaction.incidents.open_for(T1) == incident
        assert transaction.incidents.open_for(T3) is None


@pytest.mark.parametrize("incident_id", [new_id(), "no-uuid", "", "'; drop table x"], ids=["unknown", "no id", "empty", "sql"])
def test_an_incident_that_does_not_exist_is_bad_input(state, incident_id):
    with state.transaction() as transaction, pytest.raises(BadInputError, match="incident"):
        transaction.incidents.get(incident_id)


def test_a_trigger_has_one_unresolved_incident(state):
    with state.transaction() as transaction:
        transaction.incidents.add(an_incident())
        with pytest.raises(SafetyRefusal, match="T1"):
            transaction.incidents.add(an_incident())
        transaction.incidents.add(an_incident(trigger=T3))
    with state.transaction() as transaction:
        assert len(transaction.incidents.listed(include_resolved=True)) == 2


def test_a_resolved_incident_makes_room_and_can_not_come_back_beside_the_next(state):
    first, second = an_incident(), an_incident()
    with state.transaction() as transaction:
        transaction.incidents.add(first)
        over = transaction.incidents.save(resolved(first))
        transaction.incidents.add(second)
        with pytest.raises(SafetyRefusal, match="T1"):
            transaction.incidents.save(replace(over, status=IncidentStatus.OPEN))
    with state.transaction() as transaction:
        assert transaction.incidents.open_for(T1) == second
        assert transaction.incidents.get(first.incident_id).is_over


def test_saving_counts_the_version_and_refuses_who_read_an_older_one(state):
    incident = an_incident()
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        saved = transaction.incidents.save(replace(incident, quiet_windows=1))
    assert saved == replace(incident, quiet_windows=1, version=1)
    with state.transaction() as transaction, pytest.raises(SafetyRefusal, match="read it again"):
        transaction.incidents.save(replace(incident, quiet_windows=7))
    with state.transaction() as transaction:
        assert transaction.incidents.get(incident.incident_id) == saved


def test_saving_an_incident_that_was_never_added_is_bad_input(state):
    with state.transaction() as transaction, pytest.raises(BadInputError, match="does not exist"):
        transaction.incidents.save(an_incident())


def test_incidents_are_listed_newest_first_resolved_ones_on_demand(state):
    oldest, middle, newest = (
        resolved(an_incident(opened_at=NOON - timedelta(hours=2))),
        resolved(an_incident(opened_at=NOON)),
        an_incident(opened_at=NOON),
    )
    with state.transaction() as transaction:
        for incident in (middle, newest, oldest):
            transaction.incidents.add(incident)
        assert transaction.incidents.listed(include_resolved=True) == [newest, middle, oldest]
        assert transaction.incidents.listed(include_resolved=False) == [newest]
        assert transaction.incidents.listed(include_resolved=True, limit=2) == [newest, middle]


def test_an_unfinished_action_of_the_same_kind_and_target_is_returned_instead(state):
    incident = an_incident()
    first, again = an_action(incident), an_action(incident, run_id="remediation__2")
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        assert transaction.actions.start(first) == first
        assert transaction.actions.start(again) == first
        other = transaction.actions.start(an_action(incident, target="tenant-b"))
        assert transaction.actions.of_incident(incident.incident_id) == [first, other]


def test_an_action_that_has_ended_already_is_recorded_beside_the_unfinished_one_of_the_same_kind_and_target(state):
    incident = an_incident()
    waiting = an_action(incident)
    by_hand = an_action(incident, run_id="manual__1", status=ActionStatus.DONE, finished_at=NOON, detail={"started_by": "oncall"})
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.actions.start(waiting)
        assert transaction.actions.start(by_hand) == by_hand
        assert transaction.actions.of_incident(incident.incident_id) == [waiting, by_hand]


def test_a_finished_action_can_be_started_anew(state):
    incident = an_incident()
    first, again = an_action(incident), an_action(incident, started_at=NOON + timedelta(minutes=1))
    ended = replace(first, status=ActionStatus.REFUSED, finished_at=NOON, outcome="rejected by ops-lead", detail={"kept": [1]})
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.actions.start(first)
        transaction.actions.finish(ended)
        assert transaction.actions.start(again) == again
    with state.transaction() as transaction:
        assert transaction.actions.of_incident(incident.incident_id) == [ended, again]


def test_starting_a_finished_action_again_under_its_own_id_leaves_it_finished(state):
    incident, ended = an_incident(), None
    action = an_action(incident)
    ended = replace(action, status=ActionStatus.DONE, finished_at=NOON)
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.actions.start(action)
        transaction.actions.finish(ended)
        assert transaction.actions.start(action) == ended


def test_an_action_needs_its_incident_and_a_finish_its_start(state):
    with pytest.raises(BadInputError, match="incident"), state.transaction() as transaction:
        transaction.actions.start(an_action(an_incident()))
    with pytest.raises(BadInputError, match="does not exist"), state.transaction() as transaction:
        transaction.actions.finish(an_action(an_incident()))
