"""Notices of the command line, where no Slack connection is at hand."""

from __future__ import annotations

import sys

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef


class ConsoleNotifier:
    """Writes each notice as one line on stderr. It has no threads: the `ts` it gives is empty and is never stored."""

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:  # noqa: ARG002  a console has no threads
        """Write the notice. Raises NotificationFailed when stderr is closed."""
        line = " ".join(f"{notice.title}: {notice.summary}".split())
        try:
            print(line, file=sys.stderr, flush=True)  # noqa: T201  this adapter is the console
        except (OSError, ValueError) as error:
            raise NotificationFailed(f"the notice could not be written to stderr: {error}") from error
        return ThreadRef("console", "")
