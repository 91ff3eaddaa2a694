"""Live traffic: moves money as the platform does, in many sessions at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from typing_extensions import LiteralString

from ledger_sandbox.money_movements import MONEY_MOVEMENTS, MoneyMovement

_PLAYERS: LiteralString = """
    select tenant_id, id from player where %(tenant_id)s::text is null or tenant_id = %(tenant_id)s order by tenant_id, id
"""
#: a lock that took longer counts as a wait
_WAIT_SECONDS = 0.005


@dataclass
class LiveCounts:
    """What live traffic did so far."""

    moves: int = 0
    #: moves that found no money to move
    refused: int = 0
    #: moves whose row locks took longer than 5 ms
    waits: int = 0
    longest_wait_seconds: float = 0.0
    deadlocks: int = 0

    def add(self, outcome: bool | None, lock_seconds: float) -> None:
        """Count one move: True moved, False refused, None died in a deadlock."""
        self.moves += outcome is True
        self.refused += outcome is False
        self.deadlocks += outcome is None
        self.waits += lock_seconds > _WAIT_SECONDS
        self.longest_wait_seconds = max(self.longest_wait_seconds, lock_seconds)


class LiveTraffic:
    """Sessions that move the money of all tenants, or of one, until they are stopped."""

    def __init__(
        self,
        uri: str,
        *,
        threads: int = 4,
        moves_per_second: float = 50.0,
        tenant_id: str | None = None,
        max_moves: int | None = None,
        seed: int = 1,
        races: bool = False,
    ) -> None:
        """Prepare; nothing runs before `start`. `moves_per_second` and `max_moves` are of all threads together.

        With `races` requests at once lose each other's updates, as on the platform.

        Raises ValueError when there is no player to move money of, or a number is not above 0.
        """
        if threads < 1 or moves_per_second <= 0 or (max_moves is not None and max_moves < 1):
            raise ValueError(
                f"live: {threads} threads, {moves_per_second} moves a second, at most {max_moves} moves; allowed: numbers above 0"
            )
        with psycopg.connect(uri) as connection:
            self._players = connection.execute(_PLAYERS, {"tenant_id": tenant_id}).fetchall()
        if not self._players:
            raise ValueError(f"live: no players in {tenant_id or 'the whole platform'}; allowed: a seeded tenant")
        self._uri, self._seconds_between = uri, threads / moves_per_second
        self._left, self._races = max_moves, races
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._counts = LiveCounts()
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(f"{seed}/{number}"),), name=f"live-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> LiveTraffic:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, seconds: float | None = None) -> LiveCounts:
        """Let it run for so long, or with None until `max_moves` are done; then stop and return the counts."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
        return self.stop()

    def stop(self) -> LiveCounts:
        """Let each session finish its move and return the counts; raises what ended a session early."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        return self._counts

    def _work(self, rng: random.Random) -> None:
        try:
            with psycopg.connect(self._uri, application_name="ledger_sandbox/live") as connection:
                due = time.monotonic() + rng.random() * self._seconds_between
                while self._take_one() and not self._stop.wait(max(due - time.monotonic(), 0)):
                    outcome, lock_seconds = _one_move(connection, self._players, rng, races=self._races)
                    with self._lock:
                        self._counts.add(outcome, lock_seconds)
                    due += self._seconds_between
        except psycopg.Error as error:
            # Kept for whoever calls stop: an exception in a thread would go unseen.
            self._failure = error

    def _take_one(self) -> bool:
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            return self._left >= 0


def _one_move(
    connection: psycopg.Connection, players: Sequence[tuple[str, str]], rng: random.Random, *, races: bool
) -> tuple[bool | None, float]:
    """Make one random move in a transaction of its own; returns how it ended and how long its locks took, in seconds."""
    tenant_id, player_id = rng.choice(players)
    make = rng.choice(MONEY_MOVEMENTS)
    reference = f"{rng.getrandbits(96):024x}"
    move = MoneyMovement(connection, tenant_id, player_id, cents=rng.randint(1, 2_000), reference=reference)
    try:
        with connection.transaction():
            moved = make(move.look() if races else move)
    except psycopg.errors.DeadlockDetected:
        return None, move.lock_seconds
    return moved, move.lock_seconds
