"""Checkpoints of the severity engine, and what was judged of windows, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.guard_state import Checkpoint, JudgedRevision


class InMemoryReplayStore(Store):
    """ReplayStore over the tables of one transaction."""

    def checkpoint_moments(self, trigger: Trigger) -> list[datetime]:
        """See ReplayStore."""
        return sorted(moment for of_trigger, moment in self._tables.checkpoints if of_trigger == trigger)

    def checkpoint(self, trigger: Trigger, moment: datetime) -> Checkpoint | None:
        """See ReplayStore."""
        found = [each for each in self.checkpoint_moments(trigger) if each <= moment]
        return Checkpoint(found[-1], self._tables.checkpoints[trigger, found[-1]]) if found else None

    def save_checkpoint(self, trigger: Trigger, checkpoint: Checkpoint) -> None:
        """See ReplayStore."""
        self._tables.checkpoints[trigger, checkpoint.judged_through] = bytes(checkpoint.state)

    def drop_checkpoints_after(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        for each in self.checkpoint_moments(trigger):
            if each > moment:
                del self._tables.checkpoints[trigger, each]

    def judged_revisions(self, trigger: Trigger) -> list[JudgedRevision]:
        """See ReplayStore."""
        return [self._tables.judged_revisions[key] for key in self._known_windows(trigger)]

    def save_judged_revisions(self, trigger: Trigger, judged: Sequence[JudgedRevision]) -> None:
        """See ReplayStore."""
        self._tables.judged_revisions.update({(trigger, each.window_start): each for each in judged})

    def forget_before(self, trigger: Trigger, moment: datetime) -> None:
        """See ReplayStore."""
        for each in self.checkpoint_moments(trigger):
            if each < moment:
                del self._tables.checkpoints[trigger, each]
        for key in self._known_windows(trigger):
            if key[1] < moment:
                del self._tables.judged_revisions[key]

    def _known_windows(self, trigger: Trigger) -> list[tuple[Trigger, datetime]]:
        return sorted((key for key in self._tables.judged_revisions if key[0] == trigger), key=lambda key: key[1])
