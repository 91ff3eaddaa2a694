"""Several channels as one notifier."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.ports.people import Notifier


class SeveralNotifiers:
    """Posts to each channel; the first one keeps the threads, the others get every notice on its own."""

    def __init__(self, first: Notifier, others: Sequence[Notifier]) -> None:
        self._first = first
        self._others = tuple(others)

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, in the first channel under `thread` when given; returns its place there.

        Raises:
            NotificationFailed: a channel did not take it. Every other one was tried.
        """
        failures: list[str] = []
        posted = self._tried(self._first, notice, thread, failures)
        for other in self._others:
            self._tried(other, notice, None, failures)
        if posted is None or failures:
            raise NotificationFailed("; ".join(failures))
        return posted

    def _tried(self, notifier: Notifier, notice: Notice, thread: ThreadRef | None, failures: list[str]) -> ThreadRef | None:
        try:
            return notifier.post(notice, thread)
        except NotificationFailed as error:
            failures.append(str(error))
            return None
