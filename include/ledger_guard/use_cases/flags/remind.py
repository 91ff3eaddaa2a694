"""remind: repeat a notice of each temporary rollback until the flag is restored on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.flags import RollbackReminded
from ledger_guard.domain.flags import FlagChange, RotationPlan, scope_words
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import duration, wrote
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.signals.signal import OpenDoor
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations
from ledger_guard.use_cases.flags.standing_rollbacks import StandingRollback, standing_rollbacks
from ledger_guard.use_cases.notify.notify import action_notice, notify


def remind(deps: Dependencies) -> list[str]:
    """Send a reminder for each active rollback when its last reminder (or the rollback) is as old as the policy says.

    The last reminder is read from the audit log, so a restart forgets nothing; it does not matter whether the incident is over.
    Returns the texts sent. If the guard was killed after posting and before recording, the reminder is sent again.

    Raises:
        NotificationFailed: a post failed. The others were sent; let only the notifying task fail.
        SourceUnavailable: guard state does not answer.
    """
    now, sent, failures = deps.wall_clock.now(), [], []
    for standing in standing_rollbacks(deps):
        if now - _last_told(deps, standing.change) < timedelta(hours=_every_hours(deps, standing.change.flag)):
            continue
        notice = _notice(deps, standing, now)
        try:
            notify(deps, notice)
        except NotificationFailed as error:
            failures.append(str(error))
            continue
        _record(deps, standing.change, now)
        sent.append(notice.summary)
    if failures:
        raise NotificationFailed("; ".join(failures))
    return sent


def _every_hours(deps: Dependencies, flag: str) -> float:
    reminders = deps.policy.reminders
    return reminders.signatures_hours if _open_door(deps, flag) else reminders.rolled_back_hours


def _open_door(deps: Dependencies, flag: str) -> OpenDoor | None:
    """What is unsafe while the flag is rolled back, by any of its signals."""
    return next((signal.open_door for signal in signals_of_flag(deps.policy, flag).values() if signal.open_door), None)


def _last_told(deps: Dependencies, change: FlagChange) -> datetime:
    """The time of the last notice: the newest reminder, or the rollback itself."""
    last = change.changed_at
    with deps.state.transaction() as state:
        for entry in state.audit.entries(incident_id=change.incident_id):
            reminded = told(entry.event, RollbackReminded)
            if reminded and reminded.change_id == change.change_id:
                last = max(last, entry.event.at)
    return last


def _notice(deps: Dependencies, standing: StandingRollback, now: datetime) -> Notice:
    change, lasts = standing.change, duration(standing.lasts(now))
    where = f"{change.flag} has been off for {scope_words(change.tenant_id)} for {lasts}"
    # while somebody has it enabled past the guard, the door is not open
    door = None if standing.is_enabled_again else _open_door(deps, change.flag)
    needs = [signal.restore_needs for signal in signals_of_flag(deps.policy, change.flag).values()]
    with deps.state.transaction() as state:
        pending = pending_rotations(state) if any(each.rotations_done for each in needs) else []
    facts = [
        ("Rolled back", f"{iso(change.changed_at)} by {change.approved_by}, who {wrote(change.reason)}"),
        *(("Rotation", _rotation_words(plan, now)) for plan in pending),
        ("To end it", f"start flag_restore for {change.flag}@{change.tenant_id}; its review names what is missing"),
    ]
    if not standing.is_read:
        facts.append(("Not read", "the flag store did not answer; this is from the record"))
    summary = f"{door.what}: {where}. {door.danger}" if door else f"{where}. It was meant to be temporary."
    if standing.is_enabled_again:
        summary = _enabled_again(standing)
    notice = action_notice(deps, change.incident_id, "remind", summary, facts)
    return replace(notice, title=f"{door.what.upper()} · {notice.title}", is_loud=True) if door else notice


def _enabled_again(standing: StandingRollback) -> str:
    change = standing.change
    since = f"since {iso(standing.enabled_since)}" if standing.enabled_since else "not noticed before now"
    return (
        f"{change.flag} for {scope_words(change.tenant_id)}: rolled back by {change.approved_by} at {iso(change.changed_at)}, "
        f"enabled again past the guard ({since}), not restored on record."
    )


def _rotation_words(plan: RotationPlan, now: datetime) -> str:
    late = ", overdue" if plan.due_at < now else ""
    return f"{plan.secret_name} by {plan.owner}, due {iso(plan.due_at)}{late}"


def _record(deps: Dependencies, change: FlagChange, now: datetime) -> None:
    with deps.state.transaction() as state:
        state.audit.append(
            recorded(
                RollbackReminded(change_id=change.change_id, rolled_back_at=change.changed_at),
                actor=GUARD_ITSELF,
                subject=f"flag:{change.flag}@{change.tenant_id}",
                at=now,
                incident_id=change.incident_id,
            )
        )
