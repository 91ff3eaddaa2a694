"""Log lines out of time: those that come after their windows were settled, and those that are ahead of the clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AccessEventDelivery

#: the source in alerts, as the policy's `source.kind` names it
_SOURCE = "access_events"


def settled_before(deps: Dependencies) -> datetime | None:
    """Windows before this are not read again for any trigger of the access log; None while one was never sensed."""
    with deps.state.transaction() as state:
        ends = [state.readings.sensed_through(trigger) for trigger in deps.policy.access_events()]
    known = [end for end in ends if end is not None]
    return min(known) - deps.policy.lateness if known and len(known) == len(ends) else None


def too_late(delivery: AccessEventDelivery, events: Sequence[AccessEvent], settled: datetime | None) -> int:
    """How many of these events, which are to be stored, are new and too old to be in any reading."""
    if settled is None:
        return 0
    late = {event.event_key: event for event in events if event.event_time < settled}
    return delivery.unknown(list(late.values())) if late else 0


def from_future(rejects: Iterable[RejectedLine]) -> int:
    """How many of these lines were refused for being ahead of the clock."""
    return sum(line.is_from_future for line in rejects)


def remember_out_of_time(deps: Dependencies, late: int, ahead: int, settled: datetime | None) -> None:
    """Record how many lines were late and ahead as alerts, which people are told of once; audit entries have each file's."""
    if not late and not ahead:
        return
    at = deps.wall_clock.now()
    with deps.state.transaction() as state:
        if late:
            words = (
                f"{late} log lines of before {iso(settled or at)} came after their windows were settled: they are in no reading"
            )
            state.guard_alerts.seen(GuardAlertKind.TOO_LATE, _SOURCE, at, words)
        if ahead:
            skew = deps.policy.sensing.clock_skew_seconds
            words = (
                f"{ahead} log lines were more than {skew} s ahead of the clock and were refused: does a host's clock run ahead?"
            )
            state.guard_alerts.seen(GuardAlertKind.FUTURE, _SOURCE, at, words)
