"""Checkpoints of the severity engine, and what was judged of windows, in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.guard_state import Checkpoint, JudgedRevision
from ledger_guard.sql import statement


class PostgresReplayStore:
    """ReplayStore; a state is read only when it is asked for, because it can be some megabytes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def checkpoint_moments(self, trigger: Trigger) -> list[datetime]:
        """See ReplayStore."""
        rows = self._connection.execute(statement("guard/select_checkpoint_moments"), {"trigger": trigger.value}).fetchall()
        return [row["judged_through"] for row in rows]

    def checkpoint(self, trigger: Trigger, moment: datetime) -> Checkpoint | None:
        """See ReplayStore."""
        wanted = {"trigger": trigger.value, "moment": moment}
        row = self._connection.execute(statement("guard/select_checkpoint"), wanted).fetchone()
        return None if row is None else Checkpoint(row["judged_through"], bytes(row["state"]))

    def save_checkpoint(self, trigger: Trigger, checkpoint: Checkpoint) -> None:
        """See ReplayStore."""
        self._connection.execute(
            statement("guard/upsert_checkpoint"),
            {"trigger": trigger.value, "judged_through": checkpoint.judged_through, "state": checkpoint.state},
        )

    def drop_checkpoints_after(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        gone = {"trigger": trigger.value, "moment": moment}
        self._connection.execute(statement("guard/delete_checkpoints_after"), gone)

    def judged_revisions(self, trigger: Trigger) -> list[JudgedRevision]:
        """See ReplayStore."""
        rows = self._connection.execute(statement("guard/select_judged_windows"), {"trigger": trigger.value}).fetchall()
        return [JudgedRevision(row["window_start"], row["revision"], frozenset(row["quarantined"])) for row in rows]

    def save_judged_revisions(self, trigger: Trigger, judged: Sequence[JudgedRevision]) -> None:
        """See ReplayStore."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                statement("guard/upsert_judged_window"),
                [
                    {
                        "trigger": trigger.value,
                        "window_start": each.window_start,
                        "revision": each.revision,
                        "quarantined": sorted(each.quarantined),
                    }
                    for each in judged
                ],
            )

    def forget_before(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        gone = {"trigger": trigger.value, "moment": moment}
        self._connection.execute(statement("guard/delete_checkpoints_before"), gone)
        self._connection.execute(statement("guard/delete_judged_windows_before"), gone)
