"""A quiet past for learning baselines. The sandbox generates all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import psycopg
from typing_extensions import LiteralString

from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_sandbox.traffic import play

_WINDOW: LiteralString = """
    insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at)
    values (%(trigger)s, %(window_start)s, %(window_seconds)s, 'complete', '', %(sensed_at)s)
    on conflict (trigger, window_start) do nothing
"""
_COPY_READINGS: LiteralString = """
    copy ledger_guard.signal_window (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects) from stdin
"""

#: with at least so many mismatches of a tenant, some come and go
_SEVERAL = 4


def traffic_history(
    uri: str, end: datetime, rng: np.random.Generator, *, length: timedelta = timedelta(days=7), guard_uri: str | None = None
) -> int:
    """Write the traffic of the days before `end`, as it would have gone in the platform's state now; returns its events.

    Call it before any scenario, so that the past is the ordinary one.
    """
    return play(uri, end - length, end, rng, guard_uri=guard_uri)


def t3_history(guard_uri: str, ordinary: Sequence[Reading], start: datetime, rng: np.random.Generator) -> int:
    """Write T3 readings for the windows from `start` up to that of `ordinary`, exclusive; returns how many windows.

    A comparison of balances has no past, so a fresh sandbox has none for T3. This generates one: each tenant's mismatches in
    `ordinary` (a comparison at rest), at times one more or one less if there are several; a few are always the same players',
    and a tenant without any keeps none. All of `ordinary` must be of one T3 window.

    Raises ValueError for readings of another trigger or of several windows, and psycopg.errors.UniqueViolation when some
    of the past is there already; nothing was written then.
    """
    windows = {reading.window for reading in ordinary}
    if len(windows) != 1 or any(reading.trigger != Trigger("T3") for reading in ordinary):
        raise ValueError(f"t3_history: {len(ordinary)} readings of {len(windows)} windows; allowed: T3 readings of one window")
    past = list(_windows(Window.containing(start, next(iter(windows)).length), next(iter(windows))))
    with psycopg.connect(guard_uri) as connection, connection.cursor() as cursor:
        cursor.executemany(_WINDOW, [_sensed(window) for window in past])
        with cursor.copy(_COPY_READINGS) as copy:
            for reading in ordinary:
                swing = rng.choice((-1, 0, 0, 0, 0, 1), size=len(past)).tolist()
                for window, more in zip(past, swing, strict=True):
                    events = reading.events + more if reading.events >= _SEVERAL else reading.events
                    seconds = int(window.length.total_seconds())
                    copy.write_row(("T3", window.start, reading.tenant_id, seconds, events, reading.exposure, events))
    return len(past)


def _windows(first: Window, end: Window) -> Iterator[Window]:
    while first < end:
        yield first
        first = first.next


def _sensed(window: Window) -> dict[str, object]:
    return {
        "trigger": "T3",
        "window_start": window.start,
        "window_seconds": int(window.length.total_seconds()),
        "sensed_at": window.end + timedelta(minutes=1),
    }
