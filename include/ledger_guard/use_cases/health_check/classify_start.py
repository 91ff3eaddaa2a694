"""Where classify begins: at the first new window, before the oldest revised one, or with the whole stored history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.detection.engine import SeverityEngine
from ledger_guard.domain.signals import SensedWindow, Trigger
from ledger_guard.ports.guard_state import GuardTransaction, JudgedRevision


@dataclass(frozen=True)
class Start:
    """An engine, and the windows to feed it."""

    engine: SeverityEngine
    #: oldest first
    windows: Sequence[SensedWindow]
    #: end of the last window the engine has seen; None when it has seen none
    seen_through: datetime | None
    #: windows that late data changed since they were judged, oldest first
    revised: Sequence[SensedWindow]
    #: what was judged of the windows of the last hours
    judged_revisions: Mapping[datetime, JudgedRevision]


class StartingPoint:
    """Finds the start of one run within its transaction.

    `fresh_engine` makes an engine that knows nothing; `lateness` is how long a window may still change after it closed, and
    `history` how far back an engine without a usable state begins to learn.
    """

    def __init__(
        self,
        state: GuardTransaction,
        trigger: Trigger,
        fresh_engine: Callable[[], SeverityEngine],
        lateness: timedelta,
        history: timedelta,
    ) -> None:
        self._state = state
        self._trigger = trigger
        self._fresh_engine = fresh_engine
        self._lateness = lateness
        self._history = history

    def find(self, now: datetime) -> Start:
        """The start that leads to the same engine state as all final readings, judged in order from the beginning.

        Where no stored state serves (none was saved, it is damaged or of another version of the rule, or a revised window is
        older than every checkpoint, as after an upgrade) the stored history is learned again.
        """
        judged_revisions = {each.window_start: each for each in self._state.replay.judged_revisions(self._trigger)}
        revised = self._revised(judged_revisions)
        engine, seen_through = self._engine(revised)
        first = seen_through or now - self._history
        windows = self._state.readings.windows(self._trigger, first, now)
        return Start(engine, windows, seen_through, revised, judged_revisions)

    def _revised(self, judged_revisions: Mapping[datetime, JudgedRevision]) -> list[SensedWindow]:
        through = self._state.verdicts.judged_through(self._trigger)
        if through is None:
            return []
        moments = self._state.replay.checkpoint_moments(self._trigger)
        # Beyond the oldest checkpoint too: right after an upgrade there is none that old.
        since = min([through - self._lateness, *moments[:1]])
        windows = self._state.readings.windows(self._trigger, since, through)
        # A window of which nothing is remembered was judged by an older version, which judged no revision again.
        return [each for each in windows if each.revision != _revision(judged_revisions.get(each.window.start))]

    def _engine(self, revised: Sequence[SensedWindow]) -> tuple[SeverityEngine, datetime | None]:
        if not revised:
            saved = self._state.verdicts.engine_state(self._trigger)
            through = self._state.verdicts.judged_through(self._trigger)
        else:
            checkpoint = self._state.replay.checkpoint(self._trigger, revised[0].window.start)
            saved = checkpoint.state if checkpoint else None
            through = checkpoint.judged_through if checkpoint else None
        engine = self._fresh_engine()
        if saved is None:
            return engine, None
        try:
            engine.load(saved)
        except ValueError:
            return self._fresh_engine(), None
        return engine, through


def _revision(judged: JudgedRevision | None) -> int:
    return judged.revision if judged else 0
