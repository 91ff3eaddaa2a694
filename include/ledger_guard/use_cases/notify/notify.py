"""notify: post a notice into its incident's thread, and record whether it was posted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from ledger_guard.domain.errors import BadInputError, NotificationFailed, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import NoticeFailed, NoticeHeld, NoticePosted
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import mode_of_row
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.stops import active_stop
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notices import action_notice, approval_notice, incident_notice

__all__ = ["action_notice", "approval_notice", "incident_notice", "notify", "notify_of_row", "tell"]

log = logging.getLogger(__name__)


def notify(deps: Dependencies, notice: Notice) -> ThreadRef:
    """Post `notice`, in its incident's thread when there is one; returns where it was posted.

    The first notice of an incident starts its thread. People come first: if the incident is unknown or guard state does not
    answer, the notice is posted anyway, outside any thread.

    Raises:
        NotificationFailed: the channel failed. This is recorded; let only the notifying task fail.
        SourceUnavailable: it was posted, but guard state could not record it.
    """
    incident_id, thread = _thread_of(deps, notice)
    notice = _with_stop(deps, notice)
    try:
        posted = deps.notifier.post(notice, thread)
    except NotificationFailed as error:
        with deps.state.transaction() as state:
            _append(deps, state, incident_id, NoticeFailed(title=notice.title, error=str(error)))
        raise
    where = NoticePosted(title=notice.title, channel=posted.channel, ts=posted.ts)
    starts_thread = incident_id is not None and thread is None and posted.ts != ""
    if not (starts_thread and _stored_with_thread(deps, incident_id or "", posted, where)):
        with deps.state.transaction() as state:
            _append(deps, state, incident_id, where)
    return posted


def notify_of_row(deps: Dependencies, notice: Notice) -> ThreadRef:
    """As `notify`, for what a matrix row tells about its incident. While the row is in shadow this is recorded and not posted."""
    return ThreadRef("", "") if _is_held(deps, notice) else notify(deps, notice)


def _is_held(deps: Dependencies, notice: Notice) -> bool:
    """Whether the row is in shadow; then this is on record. Without guard state people come first."""
    try:
        with deps.state.transaction() as state:
            is_held = notice.incident_id is not None and _is_shadow(deps, state, notice.incident_id)
            if is_held:
                _append(deps, state, notice.incident_id, NoticeHeld(title=notice.title, summary=notice.summary))
    except SourceUnavailable:
        return False
    return is_held


def _is_shadow(deps: Dependencies, state: UnitOfWork, incident_id: str) -> bool:
    try:
        incident = state.incidents.get(incident_id)
        row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
    except BadInputError:
        # no such incident or row: people decide what it means
        return False
    return mode_of_row(state.audit, deps.policy.modes, row.name).mode is Mode.SHADOW


def _thread_of(deps: Dependencies, notice: Notice) -> tuple[str | None, ThreadRef | None]:
    if not notice.incident_id:
        return None, None
    try:
        with deps.state.transaction() as state:
            incident = state.incidents.get(notice.incident_id)
    except (BadInputError, SourceUnavailable):
        return None, None
    if incident.thread_channel and incident.thread_ts:
        return incident.incident_id, ThreadRef(incident.thread_channel, incident.thread_ts)
    return incident.incident_id, None


def _with_stop(deps: Dependencies, notice: Notice) -> Notice:
    """While the guard is stopped every message says so, first."""
    try:
        with deps.state.transaction() as state:
            stop = active_stop(state.audit)
    except SourceUnavailable:
        return notice
    return notice if stop is None else replace(notice, facts=(("Guard", stop.sentence), *notice.facts))


def _stored_with_thread(deps: Dependencies, incident_id: str, posted: ThreadRef, where: NoticePosted) -> bool:
    """Store the thread on the incident, with one retry if the incident was saved meanwhile. An existing thread is kept.

    False when both tries met another writer: the next notice starts the thread then.
    """
    for _ in range(2):
        try:
            with deps.state.transaction() as state:
                incident = state.incidents.get(incident_id)
                if not incident.thread_ts:
                    state.incidents.save(replace(incident, thread_channel=posted.channel, thread_ts=posted.ts))
                _append(deps, state, incident_id, where)
        except SafetyRefusal:
            continue
        return True
    return False


def _append(
    deps: Dependencies, state: UnitOfWork, incident_id: str | None, fact: NoticePosted | NoticeFailed | NoticeHeld
) -> None:
    state.audit.append(
        recorded(
            fact,
            actor=GUARD_ITSELF,
            subject=f"incident:{incident_id}" if incident_id else f"channel:{deps.policy.notification.places}",
            at=deps.wall_clock.now(),
            incident_id=incident_id,
        )
    )


def tell(post: Callable[[], object]) -> None:
    """Post; a failed channel is in the audit log and never stops a repair."""
    try:
        post()
    except NotificationFailed as error:
        log.warning("notice not posted: %s", error)
