"""notify: threads, the record of what was and was not posted, and what happens when channel or guard state are down."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.use_cases.notify.notify import notify

NOTICE = Notice("classify · T1", "acme rose.")


def _about(incident) -> Notice:
    return replace(NOTICE, incident_id=incident.incident_id)


def _stored(world, incident):
    with world.state.transaction() as state:
        return state.incidents.get(incident.incident_id)


def _record(world) -> list[dict]:
    with world.state.transaction() as state:
        return [dict(entry.event.detail) for entry in state.audit.entries() if entry.event.verb == "notify"]


class InterruptedNotifier:
    """Posts, and lets somebody else save the incident in the meantime, so many times."""

    def __init__(self, world, incident, change) -> None:
        self._world, self._incident, self._change = world, incident, change

    def post(self, notice, thread):
        ref = self._world.notifier.post(notice, thread)
        with self._world.state.transaction() as state:
            state.incidents.save(self._change(state.incidents.get(self._incident.incident_id)))
        return ref


class DownState(InMemoryGuardState):
    """Guard state that does not answer."""

    @contextmanager
    def transaction(self):
        raise SourceUnavailable("database guard: connection refused")
        yield


class ConflictingState(InMemoryGuardState):
    """Guard state whose incidents somebody else saves right before each save, so many times."""

    conflicts = 0

    @contextmanager
    def transaction(self):
        with super().transaction() as state:
            original = state.incidents.save

            def save(incident):
                if self.conflicts > 0:
                    self.conflicts -= 1
                    incident = replace(incident, version=incident.version - 1)
                return original(incident)

            state.incidents.save = save
            try:
                yield state
            finally:
                state.incidents.save = original


def test_the_first_notice_of_an_incident_starts_its_thread_and_the_next_stand_under_it(world, open_incident):
    incident = open_incident()
    first = notify(world.deps, _about(incident))
    second = notify(world.deps, _about(incident))
    stored = _stored(world, incident)
    assert ThreadRef(stored.thread_channel, stored.thread_ts) == first
    assert [posted.thread for posted in world.notifier.posted] == [None, first]
    assert second != first


def test_what_was_posted_is_on_record(world, open_incident):
    incident = open_incident()
    ref = notify(world.deps, _about(incident))
    assert _record(world) == [{"title": "classify · T1", "status": "posted", "channel": ref.channel, "ts": ref.ts}]
    with world.state.transaction() as state:
        (entry,) = state.audit.entries(incident_id=incident.incident_id)
    assert (entry.event.actor, entry.event.subject) == ("ledger_guard", f"incident:{incident.incident_id}")
    assert entry.event.at == world.wall_clock.now()


def test_a_notice_of_no_incident_starts_no_thread(world, open_incident):
    incident = open_incident()
    notify(world.deps, NOTICE)
    assert _stored(world, incident).thread_ts is None
    with world.state.transaction() as state:
        (entry,) = state.audit.entries()
    assert entry.event.subject == "channel:#ledger-ops"


def test_a_channel_that_is_down_fails_the_notification_and_the_failure_is_on_record(world, open_incident):
    incident = open_incident()
    world.notifier.break_down("no route")
    with pytest.raises(NotificationFailed, match="no route"):
        notify(world.deps, _about(incident))
    (entry,) = _record(world)
    assert (entry["status"], "no route" in entry["error"]) == ("failed", True)
    assert _stored(world, incident) == incident


def test_after_the_channel_came_back_the_next_notice_starts_the_thread(world, open_incident):
    incident = open_incident()
    world.notifier.break_down("no route")
    with pytest.raises(NotificationFailed):
        notify(world.deps, _about(incident))
    world.notifier.recover()
    ref = notify(world.deps, _about(incident))
    assert _stored(world, incident).thread_ts == ref.ts


def test_what_others_saved_while_the_notice_was_posted_is_kept(world, open_incident):
    incident = open_incident()
    notifier = InterruptedNotifier(world, incident, lambda found: replace(found, status=IncidentStatus.MITIGATING))
    ref = notify(replace(world.deps, notifier=notifier), _about(incident))
    stored = _stored(world, incident)
    assert (stored.status, stored.thread_ts) == (IncidentStatus.MITIGATING, ref.ts)


def test_of_two_notices_that_both_start_a_thread_the_first_stored_wins(world, open_incident):
    incident = open_incident()
    notifier = InterruptedNotifier(world, incident, lambda found: replace(found, thread_channel="C0FIRST", thread_ts="1.000000"))
    notify(replace(world.deps, notifier=notifier), _about(incident))
    stored = _stored(world, incident)
    assert (stored.thread_channel, stored.thread_ts) == ("C0FIRST", "1.000000")
    assert [entry["status"] for entry in _record(world)] == ["posted"]


@pytest.mark.parametrize(("conflicts", "is_stored"), [(0, True), (1, True), (2, False)], ids=["none", "one", "two"])
def test_storing_the_thread_is_tried_once_more_and_the_notice_is_on_record_once(world, conflicts, is_stored, open_incident):
    incident = open_incident()
    state = ConflictingState()
    state.conflicts = conflicts
    with state.transaction() as tables:
        tables.incidents.add(incident)
    ref = notify(replace(world.deps, state=state), _about(incident))
    with state.transaction() as tables:
        stored = tables.incidents.get(incident.incident_id)
        entries = list(tables.audit.entries())
    assert (stored.thread_ts == ref.ts) is is_stored
    assert [entry.event.detail["status"] for entry in entries] == ["posted"]


def test_a_notice_of_an_incident_that_is_not_known_is_posted_all_the_same(world):
    notify(world.deps, replace(NOTICE, incident_id="6f1b2c1e-0000-4000-8000-000000000000"))
    assert len(world.notifier.posted) == 1
    assert [entry["status"] for entry in _record(world)] == ["posted"]


def test_people_are_told_even_while_guard_state_does_not_answer(world, open_incident):
    incident = open_incident()
    with pytest.raises(SourceUnavailable):
        notify(replace(world.deps, state=DownState()), _about(incident))
    assert [posted.notice for posted in world.notifier.posted] == [_about(incident)]


class Threadless:
    """A channel that has no threads, and says so by an empty `ts`."""

    def post(self, notice, thread):
        return ThreadRef("pager", "")


def test_a_channel_without_threads_never_becomes_an_incidents_thread(world, open_incident):
    incident = open_incident()
    notify(replace(world.deps, notifier=Threadless()), _about(incident))
    assert _stored(world, incident).thread_ts is None
    assert [entry["status"] for entry in _record(world)] == ["posted"]
