"""What is odd about a source and makes no window unreadable: tenants that the platform does not have, tenants that went dark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from ledger_guard.domain.dark_tenants import LEAST_WINDOWS, dark_tenants
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import counted, listed
from ledger_guard.domain.signals import Reading, Trigger, WindowState
from ledger_guard.domain.windows import Window, iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notify import notify

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


def remember_oddities(
    deps: Dependencies,
    trigger: Trigger,
    windows: Sequence[Window],
    readings: Sequence[Reading],
    *,
    is_one_of_several: bool = False,
) -> None:
    """Record what the newest complete windows, which are in order of time, show of tenants: nobody is told here.

    `is_one_of_several`: a longer time is looked at in parts, of which these are one; a tenant may have gone dark with the part
    before.
    """
    if not windows:
        return
    at, sensing = deps.wall_clock.now(), deps.policy.sensing
    # busy windows in a row, the last busy one, and empty ones
    needed = LEAST_WINDOWS + 1 + deps.policy.blind_windows
    with deps.state.transaction() as state:
        seen, shown = windows, readings
        if is_one_of_several or len(windows) < needed:
            before = _complete_before(state, trigger, windows[0], needed)
            seen = [*before, *windows]
            shown = [*(state.readings.readings(trigger, before[0].start, windows[0].start) if before else ()), *readings]
        found = dark_tenants(seen, shown, sensing.missing_data_probability, deps.policy.blind_windows)
        if apart := state.tenants.apart(trigger, windows[-1].start, windows[-1].end):
            state.guard_alerts.seen(GuardAlertKind.UNKNOWN_TENANTS, trigger.value, at, apart[-1].sentence)
        for alert in state.guard_alerts.standing():
            if alert.is_over(at):
                state.guard_alerts.over(alert.kind, alert.about, at)
        state.tenants.not_dark(trigger, _not_dark(state, trigger, readings), at)
        state.tenants.see_dark(trigger, found)


def _complete_before(state: UnitOfWork, trigger: Trigger, window: Window, count: int) -> list[Window]:
    """Complete windows among so many before this one, in order of time."""
    sensed = state.readings.windows(trigger, window.start - count * window.length, window.start)
    return [each.window for each in sensed if each.state is WindowState.COMPLETE]


def _not_dark(state: UnitOfWork, trigger: Trigger, readings: Sequence[Reading]) -> set[str]:
    """Tenants that were dark, and have requests again or are no longer the platform's."""
    dark = {each.tenant_id: each.since for each in state.tenants.dark(trigger)}
    if not dark:
        return set()
    again = {each.tenant_id for each in readings if each.attempts and each.window.start >= dark.get(each.tenant_id, _NEVER)}
    known = state.tenants.listed()
    return again | (dark.keys() - known.tenant_ids if known else set())


def tell_dark(deps: Dependencies) -> list[str]:
    """Report tenants that went dark, each once while it is; one notice a trigger. Returns the texts sent.

    Raises NotificationFailed when a post failed; the next check sends it again.
    """
    told = []
    for trigger in deps.policy.triggers:
        with deps.state.transaction() as state:
            found = state.tenants.dark(trigger, untold_only=True)
        if not found:
            continue
        some = listed(
            [f"{each.tenant_id} since {iso(each.since)} (usually {each.usual} or more)" for each in found],
            deps.policy.notification.list_at_most,
        )
        sentence = f"{trigger.value}: no request of {counted(len(found), 'tenant', 'tenants')} arrives any more: {some}."
        facts = (("Then", "an incident of theirs would not be detected: does their traffic reach the source?"),)
        notify(deps, Notice(title=f"watch · {deps.policy.named(trigger)} · dark", summary=sentence, facts=facts))
        with deps.state.transaction() as state:
            state.tenants.told_of_dark(trigger, [each.tenant_id for each in found], deps.wall_clock.now())
        told.append(sentence)
    return told


def dark_sentences(deps: Dependencies, state: UnitOfWork) -> list[str]:
    """One sentence for each trigger with dark tenants."""
    found = [(trigger, [each.tenant_id for each in state.tenants.dark(trigger)]) for trigger in deps.policy.triggers]
    at_most = deps.policy.notification.list_at_most
    return [f"{trigger.value}: no request arrives any more of {listed(ids, at_most)}." for trigger, ids in found if ids]
