"""Money that moves at a steady pace, and how long each move waited."""

from __future__ import annotations

import math
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from benchmarks.backfill.statements import TENANT
from ledger_sandbox.money_movements import MONEY_MOVEMENTS, MoneyMovement

THREADS = 8


@dataclass
class Waits:
    """What came of the moves; a refused one found no money to move, but locked and read all the same."""

    moves: int = 0
    refused: int = 0
    deadlocks: int = 0
    #: when each move was due, by the monotonic clock
    due: list[float] = field(default_factory=list)
    #: from when a move was due until it was committed: one that waits behind a waiting one counts too
    seconds: list[float] = field(default_factory=list)
    #: the longest lock of each move
    lock_seconds: list[float] = field(default_factory=list)

    def within(self, spans: Sequence[tuple[float, float]]) -> Waits:
        """The waits of the moves that were under way at some time of the spans; without counts."""
        chosen = [
            number
            for number, (due, took) in enumerate(zip(self.due, self.seconds, strict=True))
            if any(due < until and due + took > since for since, until in spans)
        ]
        return Waits(
            due=[self.due[number] for number in chosen],
            seconds=[self.seconds[number] for number in chosen],
            lock_seconds=[self.lock_seconds[number] for number in chosen],
        )

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the moves did not exceed."""
        return percentile(self.seconds, share)

    def lock_percentile(self, share: float) -> float:
        """The same of the row locks alone."""
        return percentile(self.lock_seconds, share)


def percentile(seconds: Sequence[float], share: float) -> float:
    """By nearest rank, in milliseconds; NaN of none."""
    return math.nan if not seconds else 1000 * sorted(seconds)[max(math.ceil(share * len(seconds)) - 1, 0)]


def move_money(uri: str, moves_per_second: float, seconds: float, seed: str) -> Waits:
    """MoneyMovement the tenant's money from several sessions, each at its own even pace, until time is up.

    Raises what ended a session early.
    """
    with psycopg.connect(uri) as connection:
        players = [row[0] for row in connection.execute("select id from player order by id")]
    found: list[Waits | BaseException] = []
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        try:
            found.append(_session(uri, players, THREADS / moves_per_second, until, random.Random(f"{seed}/{number}")))
        except psycopg.Error as error:
            # Kept for the caller: an exception in a thread would go unseen.
            found.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _together(found)


def _session(uri: str, players: Sequence[str], every: float, until: float, rng: random.Random) -> Waits:
    waits = Waits()
    with psycopg.connect(uri) as connection:
        due = time.monotonic() + rng.random() * every
        while due < until:
            time.sleep(max(due - time.monotonic(), 0))
            move = MoneyMovement(connection, TENANT, rng.choice(players), rng.randint(1, 2_000), reference=uuid.uuid4().hex)
            try:
                with connection.transaction():
                    moved = rng.choice(MONEY_MOVEMENTS)(move)
                waits.moves += moved
                waits.refused += not moved
            except psycopg.errors.DeadlockDetected:
                waits.deadlocks += 1
            waits.due.append(due)
            waits.seconds.append(time.monotonic() - due)
            waits.lock_seconds.append(move.lock_seconds)
            due += every
    return waits


def _together(found: Sequence[Waits | BaseException]) -> Waits:
    total = Waits()
    for waits in found:
        if isinstance(waits, BaseException):
            raise waits
        total.moves += waits.moves
        total.refused += waits.refused
        total.deadlocks += waits.deadlocks
        total.due += waits.due
        total.seconds += waits.seconds
        total.lock_seconds += waits.lock_seconds
    return total
