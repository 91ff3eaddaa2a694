"""Guard state keeps whatever trigger the policy names: a new one needs no migration, and is kept apart from the others."""

from __future__ import annotations

from tests.adapters.guard_state.samples import a_reading, a_sensed_window, a_verdict, a_window, an_incident
from tests.triggers import T1

from ledger_guard.domain.signals import Trigger

LONGEST = Trigger("game_round_timeouts_of_slots_abc")


def test_readings_verdicts_and_incidents_of_a_new_trigger_come_back_under_its_word(state):
    sensed, read, judged = a_sensed_window(trigger=LONGEST), a_reading(trigger=LONGEST), a_verdict(trigger=LONGEST)
    incident = an_incident(trigger=LONGEST)
    with state.transaction() as transaction:
        transaction.readings.record([sensed], [read])
        transaction.verdicts.record([judged], None)
        transaction.incidents.add(incident)
    span = a_window(0).start, a_window(0).end
    with state.transaction() as transaction:
        assert transaction.readings.windows(LONGEST, *span) == [sensed]
        assert transaction.readings.readings(LONGEST, *span) == [read]
        assert transaction.verdicts.between(LONGEST, *span) == [judged]
        found = transaction.incidents.open_for(LONGEST)
        assert (found, type(found.trigger)) == (incident, Trigger)


def test_a_new_trigger_is_kept_apart_from_the_others(state):
    with state.transaction() as transaction:
        transaction.readings.record([a_sensed_window(trigger=LONGEST)], [a_reading(trigger=LONGEST)])
        transaction.verdicts.record([a_verdict(trigger=LONGEST)], None)
        transaction.incidents.add(an_incident(trigger=LONGEST))
    with state.transaction() as transaction:
        assert transaction.readings.sensed_through(T1) is None
        assert transaction.verdicts.judged_through(T1) is None
        assert transaction.incidents.open_for(T1) is None
