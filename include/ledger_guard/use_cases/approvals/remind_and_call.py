"""What a health check does about people who have not answered: a louder reminder, and the next call."""

from __future__ import annotations

from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.escalate import escalate
from ledger_guard.use_cases.wake.call_people import call_people, try_to_call


def remind_and_call(deps: Dependencies) -> list[str]:
    """Send the reminders of questions that expire soon, and call whoever is due; returns ids and sentences.

    Raises:
        NotificationFailed: a reminder could not be posted; calls were made all the same.
        PagingFailed: nobody could be reached for a matter; reminders were posted.
        SourceUnavailable: guard state does not answer.
    """
    try:
        reminded = escalate(deps)
    except Exception:
        # whatever it is: a question that can't be read may not keep people asleep
        try_to_call(deps)
        raise
    return [*reminded, *call_people(deps)]
