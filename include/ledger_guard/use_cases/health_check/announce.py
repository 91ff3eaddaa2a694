"""The health check's notice about the verdicts of one trigger."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.errors import PagingFailed
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.domain.signals import SensedWindow, Trigger
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.notify.notify import incident_notice, notify, notify_of_row
from ledger_guard.use_cases.wake.call_people import try_to_call


def announce(deps: Dependencies, outcome: ClassifyOutcome) -> ThreadRef:
    """Call people where the incident is severe, and post it unless its row is in shadow; or report that the guard is blind.

    Raises:
        NotificationFailed: the channel failed; people were called.
        PagingFailed: nobody could be reached, or not all could be called; it was posted, and another try would post it twice.
    """
    unreached = try_to_call(deps)
    posted = _posted(deps, outcome)
    if unreached:
        raise PagingFailed(unreached)
    return posted


def _posted(deps: Dependencies, outcome: ClassifyOutcome) -> ThreadRef:
    if outcome.change is Change.BLIND or outcome.incident_id is None:
        return notify(deps, _blind_notice(deps, outcome.trigger, outcome.incident_id))
    return notify_of_row(deps, incident_notice(deps, outcome.incident_id, "classify"))


def _blind_notice(deps: Dependencies, trigger: Trigger, incident_id: str | None) -> Notice:
    newest = _newest_window(deps, trigger)
    return Notice(
        title=f"sense · {deps.policy.named(trigger)} · no data",
        summary=f"The guard is blind for {trigger.value}: its last windows could not be read. An incident would not be detected.",
        facts=(
            ("Signal", deps.policy.trigger(trigger).description),
            ("Why", newest.reason if newest else "no window was ever sensed"),
        ),
        incident_id=incident_id,
    )


def _newest_window(deps: Dependencies, trigger: Trigger) -> SensedWindow | None:
    with deps.state.transaction() as state:
        through = state.readings.sensed_through(trigger)
        if through is None:
            return None
        length = timedelta(minutes=deps.policy.window_minutes)
        windows = state.readings.windows(trigger, through - length, through)
    return windows[-1] if windows else None
