"""The input of classify's engine: which windows, from which stored state, with which readings and quarantine.

It starts at the first new window, before the oldest revised one, or with the whole stored history. On the way it keeps engine
states from before windows that late data may still change (checkpoints), and what was judged of those windows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from ledger_guard.detection.engine import SeverityEngine, WindowBatch
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.windows import Window
from ledger_guard.ports.guard_state import Checkpoint, JudgedRevision, ReadingStore, ReplayStore, UnitOfWork

#: windows whose readings are in memory at once: memory does not grow with the history
_AT_ONCE = 12
#: how long a repair affects the signal after it ended
_AFTERMATH = timedelta(hours=1)
#: checkpoints within the time that windows may still change; with one older, at most three states
_CHECKPOINTS_WITHIN_LATENESS = 2
_BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)


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
    #: what was judged in the last hours
    judged_revisions: Mapping[datetime, JudgedRevision]


def starting_point(
    state: UnitOfWork,
    trigger: Trigger,
    fresh_engine: Callable[[], SeverityEngine],
    now: datetime,
    *,
    lateness: timedelta,
    history: timedelta,
) -> Start | None:
    """The start that gives the same engine state as judging all final readings from the beginning; None: nothing is to be judged.

    If no stored state can be used (none saved, damaged, from another version of the rule, or a revised window is older than every
    checkpoint, as after an upgrade), the stored history is learned again. `fresh_engine` makes an empty engine; `lateness` is how
    long a window may change after it closed; `history` is how far back learning starts.
    """
    judged_revisions = {each.window_start: each for each in state.replay.judged_revisions(trigger)}
    through = state.verdicts.judged_through(trigger)
    revised = _revised(state, trigger, judged_revisions, lateness, through)
    if not revised and not state.readings.windows(trigger, through or now - history, now):
        # before any engine: to make one costs more than all else that a check without news does
        return None
    engine, seen_through = _engine(state, trigger, fresh_engine, revised)
    windows = state.readings.windows(trigger, seen_through or now - history, now)
    return Start(engine, windows, seen_through, revised, judged_revisions)


def _revised(
    state: UnitOfWork,
    trigger: Trigger,
    judged: Mapping[datetime, JudgedRevision],
    lateness: timedelta,
    through: datetime | None,
) -> list[SensedWindow]:
    if through is None:
        return []
    moments = state.replay.checkpoint_moments(trigger)
    # Further back than the oldest checkpoint: right after an upgrade there is none that old.
    since = min([through - lateness, *moments[:1]])
    # A window without memory was judged by an older version, which did not re-judge revisions.
    known = {start: each.revision for start, each in judged.items()}
    windows = state.readings.windows(trigger, since, through)
    return [each for each in windows if each.revision != known.get(each.window.start, 0)]


def _engine(
    state: UnitOfWork, trigger: Trigger, fresh_engine: Callable[[], SeverityEngine], revised: Sequence[SensedWindow]
) -> tuple[SeverityEngine, datetime | None]:
    """The newest stored engine state without a revised window, and its last window."""
    if not revised:
        saved, through = state.verdicts.engine_state(trigger), state.verdicts.judged_through(trigger)
    else:
        checkpoint = state.replay.checkpoint(trigger, revised[0].window.start)
        saved = checkpoint.state if checkpoint else None
        through = checkpoint.judged_through if checkpoint else None
    engine = fresh_engine()
    if saved is None:
        return engine, None
    try:
        engine.load(saved)
    except ValueError:
        return fresh_engine(), None
    return engine, through


class Checkpoints:
    """The checkpoints of one run, whose engine judges windows up to `newest_end`.

    One of them always has no window younger than `lateness`: whatever late data changes, a replay covers at most 1.5 times
    `lateness`. There are at most three.
    """

    def __init__(
        self, store: ReplayStore, trigger: Trigger, lateness: timedelta, *, seen_through: datetime | None, newest_end: datetime
    ) -> None:
        self._store = store
        self._trigger = trigger
        self._spacing = lateness / _CHECKPOINTS_WITHIN_LATENESS
        self._oldest_unsettled = newest_end - lateness
        self._judged: list[JudgedRevision] = []
        # Later checkpoints come from readings that have changed since, or from another engine.
        store.drop_checkpoints_after(trigger, seen_through or _BEGINNING)
        self._newest = max(store.checkpoint_moments(trigger), default=None)

    def before(self, sensed: SensedWindow, engine: SeverityEngine) -> None:
        """Keep the engine's state before this window, if a checkpoint is due."""
        moment = sensed.window.start
        is_useful = moment >= self._oldest_unsettled - self._spacing
        if is_useful and (self._newest is None or moment - self._newest >= self._spacing):
            self._store.save_checkpoint(self._trigger, Checkpoint(moment, engine.dump()))
            self._newest = moment

    def judged(self, sensed: SensedWindow, quarantined: frozenset[str]) -> None:
        """Remember what was judged of a window."""
        self._judged.append(JudgedRevision(sensed.window.start, sensed.revision, quarantined))

    def close(self) -> None:
        """Store the checkpoints and delete those that no replay needs."""
        settled = [each for each in self._store.checkpoint_moments(self._trigger) if each <= self._oldest_unsettled]
        oldest = settled[-1] if settled else _BEGINNING
        self._store.save_judged_revisions(self._trigger, [each for each in self._judged if each.window_start >= oldest])
        self._store.forget_before(self._trigger, oldest)


def with_readings(
    store: ReadingStore, trigger: Trigger, windows: Sequence[SensedWindow]
) -> Iterator[tuple[SensedWindow, list[Reading]]]:
    """Each of these windows, which are in order of time, with its readings."""
    for first in range(0, len(windows), _AT_ONCE):
        some = windows[first : first + _AT_ONCE]
        by_window: dict[datetime, list[Reading]] = defaultdict(list)
        for reading in store.readings(trigger, some[0].window.start, some[-1].window.end):
            by_window[reading.window.start].append(reading)
        for sensed in some:
            yield sensed, by_window.get(sensed.window.start, [])


def batch(sensed: SensedWindow, readings: Iterable[Reading], quarantined: frozenset[str]) -> WindowBatch:
    """One window, with tenants in the engine's order."""
    ordered = sorted(readings, key=lambda reading: reading.tenant_id)
    return WindowBatch(
        window=sensed.window,
        tenant_ids=tuple(reading.tenant_id for reading in ordered),
        events=np.array([reading.events for reading in ordered], dtype=np.int64),
        exposure=np.array([reading.exposure for reading in ordered], dtype=np.float64),
        subjects=np.array([reading.subjects for reading in ordered], dtype=np.float64),
        cents=np.array([_cents(reading) for reading in ordered], dtype=np.float64),
        is_complete=sensed.state is WindowState.COMPLETE,
        incomplete_reason=sensed.reason,
        quarantined=quarantined,
    )


def _cents(reading: Reading) -> float:
    return math.nan if reading.money is None or reading.money.cents is None else reading.money.cents


def quarantined_tenants(state: UnitOfWork, incident: Incident | None, window: Window) -> frozenset[str]:
    """Tenants of the incident touched by a backfill, undo or rollback during `window` or up to an hour before it.

    The guard itself changes their figures: they are judged, but kept out of the baselines. A backfill and an undo touch their
    tenant; a rollback touches all tenants of the incident. All times are event time.
    """
    if incident is None:
        return frozenset()
    touched: set[str] = set()
    for action in state.actions.of_incident(incident.incident_id):
        if action.kind in ("backfill", "undo") and _is_felt(action, window):
            touched.add(action.target)
        elif action.kind == "roll_back" and _is_felt(action, window):
            touched.update(incident.tenants)
    return frozenset(touched.intersection(incident.tenants))


def _is_felt(action: Action, window: Window) -> bool:
    if window.end <= action.started_at:
        return False
    return action.finished_at is None or window.start < action.finished_at + _AFTERMATH
