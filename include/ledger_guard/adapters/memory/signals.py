"""Signals and triage answers in memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from ledger_guard.domain.access_events import AccessEvent, RejectedLine, why_unreadable
from ledger_guard.domain.error_codes import CodesOfWindow, suspicious_windows, without_codes
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.forged_calls import RefusedIds, RefusedSenders, Sender
from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, Reading, Trigger
from ledger_guard.domain.windows import Window, require_aware
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.sources import AccessEvents
from ledger_guard.ports.platform import AffectedSubject, CallCount, FailureGroup


class InMemorySignalSource:
    """SignalSource with given data: finished readings, or access events to count."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._delivered: dict[tuple[Trigger, datetime, str], Reading] = {}
        self._events: dict[str, AccessEvent] = {}
        self._unreadable: dict[str, RejectedLine] = {}
        self._shapes = policy.access_events()
        self._complete_through: dict[Trigger, datetime] = {}
        self._away = ""

    def deliver(self, readings: Iterable[Reading]) -> None:
        """Know these readings; of one trigger, window and tenant the last one counts."""
        for reading in readings:
            self._delivered[reading.trigger, reading.window.start, reading.tenant_id] = reading

    def receive(self, policy: Policy, events: Iterable[AccessEvent]) -> None:
        """Add these access events, each key once; the policy assigns them to triggers."""
        self._shapes = policy.access_events()
        for event in events:
            self._events.setdefault(event.event_key, event)

    def fail_to_read(self, lines: Iterable[RejectedLine]) -> None:
        """Know these lines, which may hide requests from the readings, each key once."""
        for line in lines:
            self._unreadable.setdefault(line.line_key, line)

    def complete(self, trigger: Trigger, through: datetime) -> None:
        """Be complete up to `through`."""
        self._complete_through[trigger] = require_aware(through, "complete_through")

    def go_away(self, reason: str) -> None:
        """Answer nothing any more."""
        self._away = reason

    def come_back(self) -> None:
        """Answer again."""
        self._away = ""

    def complete_through(self, trigger: Trigger) -> datetime | None:
        """See SignalSource."""
        self._require_presence()
        return self._complete_through.get(trigger)

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource."""
        self._require_presence()
        start = last.start if self._policy.trigger(trigger).source.speaks_of_now_alone else first.start
        found = dict(self._counted(trigger, first, last))
        for (of_trigger, window_start, tenant_id), reading in self._delivered.items():
            if of_trigger == trigger and start <= window_start < last.end:
                found[window_start, tenant_id] = reading
        return [found[key] for key in sorted(found)]

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        """See SignalSource."""
        self._require_presence()
        answers: Counter[datetime] = Counter()
        for event in self._requests(trigger, first, last):
            if event.status == self._shapes[trigger].status and not event.error_code_is_known:
                answers[Window.containing(event.event_time, first.length).start] += 1
        return {
            **self._without_codes(trigger, first, last),
            **self._unreadable_windows(trigger, first, last),
            **{start: f"{answers[start]} answer(s) came without an error code" for start in sorted(answers)},
        }

    def _without_codes(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        shape = self._shapes.get(trigger)
        if shape is None or shape.error_codes_may_be_absent:
            return {}
        coded: dict[datetime, datetime] = {}
        empty: Counter[datetime] = Counter()
        for event in self._requests(trigger, first, last):
            start = Window.containing(event.event_time, first.length).start
            if event.status >= 400 and event.error_code is not None:
                coded[start] = max(coded.get(start, event.event_time), event.event_time)
            elif event.status == shape.status and event.error_code_is_known:
                empty[start] += 1
        windows = [CodesOfWindow(start, empty[start], coded.get(start)) for start in {*coded, *empty}]
        before = [
            event.event_time
            for event in self._events.values()
            if event.event_time < first.start and shape.covers(event.method, event.path)
            if event.status >= 400 and event.error_code is not None
        ]
        return without_codes(suspicious_windows(windows, first.length), max(before, default=None), first.length, shape.status)

    def _unreadable_windows(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        path = self._shapes[trigger].path if trigger in self._shapes else None
        found: dict[datetime, list[str]] = {}
        for line in self._unreadable.values():
            if line.near is not None and line.hides_request_to == path and first.start <= line.near < last.end:
                found.setdefault(Window.containing(line.near, first.length).start, []).append(line.reason)
        read = Counter(Window.containing(event.event_time, first.length).start for event in self._requests(trigger, first, last))
        most = self._policy.sensing.most_unreadable_share
        reasons = {start: why_unreadable(len(all_), read[start], min(all_), most) for start, all_ in sorted(found.items())}
        return {start: why for start, why in reasons.items() if why}

    def _counted(self, trigger: Trigger, first: Window, last: Window) -> dict[tuple[datetime, str], Reading]:
        reached: dict[tuple[datetime, str], list[AccessEvent]] = {}
        for event in self._requests(trigger, first, last):
            if 200 <= event.status <= 299 or self._is_failure(trigger, event):
                start = Window.containing(event.event_time, first.length).start
                reached.setdefault((start, event.tenant_id), []).append(event)
        found = {}
        for (start, tenant_id), events in reached.items():
            failures = [event for event in events if self._is_failure(trigger, event)]
            subjects = len({event.subject_id for event in failures} - {None})
            window = Window(start, first.length)
            found[start, tenant_id] = Reading(trigger, tenant_id, window, len(failures), len(events), subjects, _money(failures))
        return found

    def _requests(self, trigger: Trigger, first: Window, last: Window) -> list[AccessEvent]:
        shape = self._shapes.get(trigger)
        if shape is None:
            return []
        within = [event for event in self._events.values() if first.start <= event.event_time < last.end]
        return [event for event in within if shape.covers(event.method, event.path)]

    def _is_failure(self, trigger: Trigger, event: AccessEvent) -> bool:
        shape = self._shapes[trigger]
        return (event.status, event.error_code) == (shape.status, shape.error_code)

    def _require_presence(self) -> None:
        if self._away:
            raise SourceUnavailable(self._away)


class InMemoryTriageSource:
    """TriageSource with given subjects."""

    def __init__(self) -> None:
        self._subjects: list[tuple[Trigger, datetime, AffectedSubject]] = []
        self._failures: list[tuple[datetime, FailureGroup]] = []
        self._events: list[AccessEvent] = []
        self._shapes: dict[Trigger, AccessEvents] = {}
        #: tenant → the share of its players whose wallet has less than it should
        self.shares_behind: dict[str, float] = {}

    def affect(self, trigger: Trigger, at: datetime, *subjects: AffectedSubject) -> None:
        """Know who was behind a trigger's events at a moment."""
        self._subjects += [(trigger, at, subject) for subject in subjects]

    def fail(self, *groups: FailureGroup) -> None:
        """Know calls of providers, at the moment they were first seen, whichever trigger is asked about."""
        self._failures += [(group.first_seen, group) for group in groups]

    def receive(self, policy: Policy, events: Iterable[AccessEvent]) -> None:
        """Know these calls; the policy says which trigger's they are."""
        self._shapes = policy.access_events()
        self._events += events

    def affected_subjects(
        self, trigger: Trigger, tenants: Sequence[str], start: datetime, end: datetime, limit: int
    ) -> list[AffectedSubject]:
        """See TriageSource."""
        found = [
            subject
            for of_trigger, at, subject in self._subjects
            if of_trigger == trigger and start <= at < end and subject.tenant_id in tenants
        ]
        found.sort(key=lambda subject: (subject.tenant_id, -subject.events, subject.subject_id))
        taken: Counter[str] = Counter()
        kept = []
        for subject in found:
            taken[subject.tenant_id] += 1
            if taken[subject.tenant_id] <= limit:
                kept.append(subject)
        return kept

    def share_behind(self, tenant_id: str) -> float | None:
        """See TriageSource."""
        return self.shares_behind.get(tenant_id)

    def failures_by_provider(self, trigger: Trigger, start: datetime, end: datetime) -> list[FailureGroup]:  # noqa: ARG002
        """See TriageSource."""
        found = [group for at, group in self._failures if start <= at < end]
        return sorted(found, key=lambda group: (-group.failures, group.provider, group.error_code))

    def webhook_calls(self, trigger: Trigger, spans: Sequence[tuple[datetime, datetime]]) -> list[list[CallCount]]:
        """See TriageSource."""
        found = []
        for start, end in spans:
            accepted: Counter[tuple[str, str]] = Counter()
            refused: Counter[tuple[str, str]] = Counter()
            for event in self._answered(trigger, start, end):
                counted = accepted if _is_accepted(event) else refused
                counted[event.provider or "(unknown)", event.tenant_id] += 1
            callers = sorted(accepted.keys() | refused.keys())
            found.append([CallCount(*caller, accepted[caller], refused[caller]) for caller in callers])
        return found

    def refused_ids(
        self, trigger: Trigger, start: datetime, end: datetime, known_from: datetime
    ) -> tuple[RefusedIds, datetime | None]:
        """See TriageSource."""
        known = {event.subject_id for event in self._answered(trigger, known_from, end) if _is_accepted(event)}
        refused = [event for event in self._answered(trigger, start, end) if not _is_accepted(event)]
        ids = {event.subject_id for event in refused} - {None}
        moments = sorted(event.event_time for event in refused)
        most_since = moments[math.ceil(len(moments) / 10) - 1] if moments else None
        without_id = sum(event.subject_id is None for event in refused)
        return RefusedIds(len(refused), without_id, len(ids), len(ids & known)), most_since

    def refused_senders(self, trigger: Trigger, start: datetime, end: datetime, limit: int) -> RefusedSenders:
        """See TriageSource."""
        accepted: Counter[str | None] = Counter()
        refused: Counter[str | None] = Counter()
        for event in self._answered(trigger, start, end):
            counted = accepted if _is_accepted(event) else refused
            counted[event.source_address] += 1
        senders = sorted(
            (Sender(address, calls, accepted[address]) for address, calls in refused.items() if address is not None),
            key=lambda each: (-each.refused, each.address),
        )
        return RefusedSenders(tuple(senders[:limit]), len(senders), refused.total(), refused[None])

    def _answered(self, trigger: Trigger, start: datetime, end: datetime) -> list[AccessEvent]:
        """The trigger's requests that were accepted, or refused with its status."""
        shape = self._shapes.get(trigger)
        if shape is None:
            return []
        own = (each for each in self._events if start <= each.event_time < end and shape.covers(each.method, each.path))
        return [event for event in own if _is_accepted(event) or event.status == shape.status]


def _money(failures: Sequence[AccessEvent]) -> MoneyAtRisk:
    amounts = [event.amount_cents for event in failures if event.amount_cents is not None]
    return MoneyAtRisk(min(sum(amounts), MOST_CENTS) if amounts or not failures else None, len(failures) - len(amounts))


def _is_accepted(event: AccessEvent) -> bool:
    return 200 <= event.status <= 299
