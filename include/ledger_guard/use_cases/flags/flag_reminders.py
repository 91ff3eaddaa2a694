"""What a health check tells about flags: changes past the guard first, then rollbacks that still stand."""

from __future__ import annotations

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.remind import remind
from ledger_guard.use_cases.flags.watch_flags import watch_flags


def watch_and_remind(deps: Dependencies) -> list[str]:
    """Compare the flags and tell, then send the reminders that are due; returns the texts sent.

    Raises:
        NotificationFailed: a post failed. The others were sent; let only the notifying task fail.
        SourceUnavailable: guard state does not answer.
    """
    sent: list[str] = []
    failures: list[str] = []
    for part in (watch_flags, remind):
        try:
            sent += part(deps)
        except NotificationFailed as error:
            failures.append(str(error))
    if failures:
        raise NotificationFailed("; ".join(failures))
    return sent
