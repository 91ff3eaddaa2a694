"""Checkpoints of the severity engine, and what was judged of windows, in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.guard_state import Checkpoint, JudgedRevision
from ledger_guard.sql import statement


class PostgresReplayStore(Store):
    """ReplayStore; a state is read only when it is asked for, because it can be some megabytes."""

    def checkpoint_moments(self, trigger: Trigger) -> list[datetime]:
        """See ReplayStore."""
        return [row["judged_through"] for row in self._execute("guard/select_checkpoint_moments", trigger=trigger.value)]

    def checkpoint(self, trigger: Trigger, moment: datetime) -> Checkpoint | None:
        """See ReplayStore."""
        return self._one(Checkpoint, "guard/select_checkpoint", trigger=trigger.value, moment=moment)

    def save_checkpoint(self, trigger: Trigger, checkpoint: Checkpoint) -> None:
        """See ReplayStore."""
        self._execute("guard/upsert_checkpoint", trigger=trigger.value, **given(checkpoint))

    def drop_checkpoints_after(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        self._execute("guard/delete_checkpoints_after", trigger=trigger.value, moment=moment)

    def judged_revisions(self, trigger: Trigger) -> list[JudgedRevision]:
        """See ReplayStore."""
        return self._all(JudgedRevision, "guard/select_judged_windows", trigger=trigger.value)

    def save_judged_revisions(self, trigger: Trigger, judged: Sequence[JudgedRevision]) -> None:
        """See ReplayStore."""
        stored = [{**given(each), "quarantined": sorted(each.quarantined), "trigger": trigger.value} for each in judged]
        with self._connection.cursor() as cursor:
            cursor.executemany(statement("guard/upsert_judged_window"), stored)

    def forget_before(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        self._execute("guard/delete_checkpoints_before", trigger=trigger.value, moment=moment)
        self._execute("guard/delete_judged_windows_before", trigger=trigger.value, moment=moment)
