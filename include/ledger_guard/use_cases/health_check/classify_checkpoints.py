"""Engine states from before the windows that late data may still change, and what was judged of those windows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ledger_guard.detection.engine import SeverityEngine
from ledger_guard.domain.signals import SensedWindow, Trigger
from ledger_guard.ports.guard_state import Checkpoint, JudgedRevision, ReplayStore

#: checkpoints in the time that windows may still change; one older makes three states at most
_CHECKPOINTS_WITHIN_LATENESS = 2
_BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Checkpoints:
    """The checkpoints of one run, which feeds its engine with windows up to `newest_end`.

    There is always one that has seen no window younger than `lateness`, so that whatever late data changes, a replay is at
    most one and a half times `lateness` long; there are never more than three.
    """

    def __init__(
        self, store: ReplayStore, trigger: Trigger, lateness: timedelta, *, seen_through: datetime | None, newest_end: datetime
    ) -> None:
        self._store = store
        self._trigger = trigger
        self._spacing = lateness / _CHECKPOINTS_WITHIN_LATENESS
        self._oldest_unsettled = newest_end - lateness
        self._judged: list[JudgedRevision] = []
        # What was saved after this engine's state came from readings that have changed since, or from another engine.
        store.drop_checkpoints_after(trigger, seen_through or _BEGINNING)
        self._newest = max(store.checkpoint_moments(trigger), default=None)

    def before(self, sensed: SensedWindow, engine: SeverityEngine) -> None:
        """Keep the engine's state if one is due before it judges this window."""
        moment = sensed.window.start
        is_useful = moment >= self._oldest_unsettled - self._spacing
        if is_useful and (self._newest is None or moment - self._newest >= self._spacing):
            self._store.save_checkpoint(self._trigger, Checkpoint(moment, engine.dump()))
            self._newest = moment

    def judged(self, sensed: SensedWindow, quarantined: frozenset[str]) -> None:
        """Remember what was judged of a window."""
        self._judged.append(JudgedRevision(sensed.window.start, sensed.revision, quarantined))

    def close(self) -> None:
        """Store what was remembered and forget what no replay needs any more."""
        settled = [each for each in self._store.checkpoint_moments(self._trigger) if each <= self._oldest_unsettled]
        oldest = settled[-1] if settled else _BEGINNING
        self._store.save_judged_revisions(self._trigger, [each for each in self._judged if each.window_start >= oldest])
        self._store.forget_before(self._trigger, oldest)
