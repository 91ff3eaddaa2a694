"""The guard tells that it is blind without its own database: by the channel alone, remembered on this machine's disk."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.errors import LedgerGuardError, NotificationFailed
from ledger_guard.domain.notices import Notice
from ledger_guard.ports import Dependencies
from ledger_guard.ports.people import LocalMarker

#: the same is told again after so long, by each machine for itself
REPEAT_AFTER = timedelta(hours=1)
_ABOUT = "guard_state"


def tell_blind(deps: Dependencies, marker: LocalMarker, why: LedgerGuardError, seen_by: str) -> bool:
    """Post that guard state does not answer; returns whether it was posted, which it is once an hour.

    `why` is the error, `seen_by` who met it. Raises NotificationFailed when the channel failed; the next call tries again.
    """
    if not marker.begin(_ABOUT, deps.wall_clock.now(), REPEAT_AFTER):
        return False
    summary = (
        f"Guard state does not answer ({why}): nothing is sensed, judged or recorded. An incident would not be detected, and no "
        "repair or rollback can begin."
    )
    facts = (
        ("Seen by", seen_by),
        ("Next", "bring the database of AIRFLOW_CONN_LEDGER_GUARD_DB back; the health check goes on where it stopped"),
    )
    try:
        deps.notifier.post(Notice(title="watch · the guard is blind", summary=summary, facts=facts), None)
    except NotificationFailed:
        marker.forget(_ABOUT)
        raise
    return True
