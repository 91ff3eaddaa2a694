"""Whether the guard sees anything: verdicts that are missing, late, or of windows that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def blind_sentences(deps: Dependencies, state: UnitOfWork) -> list[str]:
    """One sentence for each trigger with no verdicts, late verdicts, or only unreadable windows; empty when all is well."""
    return [sentence for trigger in deps.policy.triggers for sentence in _guard_alerts(deps, state, trigger)]


def _guard_alerts(deps: Dependencies, state: UnitOfWork, trigger: Trigger) -> Iterator[str]:
    now, length = deps.clock.now(), timedelta(minutes=deps.policy.window_minutes)
    judged_at, judged_through = state.verdicts.last_judged_at(trigger), state.verdicts.judged_through(trigger)
    if judged_at is None or judged_through is None:
        sequence, _ = state.audit.head()
        # a new guard has no verdict at its very first check; from the second on this is an alert
        if sequence:
            yield f"{trigger.value}: no verdict has been produced yet."
        return
    patience = timedelta(seconds=deps.policy.sensing.allowed_lateness_seconds + deps.policy.sensing.give_up_after_seconds)
    if now - judged_at > deps.policy.blind_windows * length:
        yield f"{trigger.value}: no verdict has been produced since {iso(judged_at)}."
    elif now - judged_through > patience + (deps.policy.blind_windows + 1) * length:
        yield f"{trigger.value}: verdicts end at {iso(judged_through)}; it is now {iso(now)}."
    if reason := _blindness(deps, state, trigger, judged_through):
        yield f"{trigger.value}: the guard is blind: its last {deps.policy.blind_windows} windows could not be read ({reason})."


def _blindness(deps: Dependencies, state: UnitOfWork, trigger: Trigger, judged_through: datetime) -> str:
    """Why the newest judged windows could not be read; empty when one could."""
    length = timedelta(minutes=deps.policy.window_minutes)
    windows = state.readings.windows(trigger, judged_through - deps.policy.blind_windows * length, judged_through)
    if len(windows) < deps.policy.blind_windows or any(sensed.state is not WindowState.NO_DATA for sensed in windows):
        return ""
    return windows[-1].reason
