"""The page's parts: one value of guard state in, one line of texts and tones out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.drills import DrillOutcome, LastDrill
from ledger_guard.domain.flags import FlagState, Freeze, scope_text
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.money_at_risk import amount_in_words, sum_in_words
from ledger_guard.domain.shown_text import duration, listed
from ledger_guard.domain.stops import named
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.use_cases.reports.board import BoardState, TriggerState
from ledger_guard_board.wording import TENANTS_SHOWN, Moment, moment, safe_link, subject_text, window_text

#: how urgent something is: `bad` red, `warn` amber, `good` green, `unknown` grey
Tone = Literal["bad", "warn", "good", "unknown"]

#: at most so many alarms per card: what to do about them is below the cards
ALARMS_SHOWN = 3
#: the guard is blind for a trigger when its last verdict is older than this many windows
BLIND_AFTER_WINDOWS = 2

NEVER_JUDGED = "never judged"

_STATES: dict[Severity, tuple[str, Tone]] = {
    Severity.SEVERE: ("severe", "bad"),
    Severity.MILD: ("mild", "warn"),
    Severity.NONE: ("quiet", "good"),
    Severity.INSUFFICIENT: ("insufficient", "unknown"),
    Severity.NO_DATA: ("no data", "warn"),
}
_QUESTIONS = {
    ApprovalKind.BACKFILL_FORCE: "Force a backfill",
    ApprovalKind.BACKFILL_UNDO: "Undo a backfill",
    ApprovalKind.FLAG_ROLLBACK: "Roll a flag back",
    ApprovalKind.FLAG_RESTORE: "Restore a flag",
    ApprovalKind.DRILL: "DRILL: answer as in earnest; nothing is written",
}


@dataclass(frozen=True)
class AlarmLine:
    """One tenant in alarm."""

    tenant_id: str
    severity: str
    sentence: str
    #: money at risk in the window
    money: str


@dataclass(frozen=True)
class TriggerCard:
    """One trigger's state."""

    trigger: str
    name: str
    description: str
    #: quiet, mild, severe, insufficient, no data, never judged
    state: str
    #: isolated or widespread; empty without alarms
    scope: str
    tone: Tone
    #: `02:55 to 03:00 UTC`; empty when nothing was judged
    window: str
    #: how long ago the newest judged window ended; None when nothing was judged
    verdict_age_seconds: int | None
    verdict_age: str
    #: the last verdict is older than two windows, or there is none
    is_blind: bool
    judged: int
    insufficient: int
    no_data: int
    #: why the window could not be read; empty when it could
    problem: str
    #: severe ones first, at most ALARMS_SHOWN
    alarms: tuple[AlarmLine, ...]
    more_alarms: int
    #: money at risk of all tenants in alarm; empty without alarms
    money: str


@dataclass(frozen=True)
class IncidentLine:
    """An incident that is not resolved."""

    incident_id: str
    trigger: str
    severity: str
    scope: str
    status: str
    tone: Tone
    tenants: str
    since: Moment
    summary: str
    #: money at risk in its newest window in alarm
    money: str


@dataclass(frozen=True)
class ApprovalLine:
    """A question that waits for an answer."""

    approval_id: str
    what: str
    subject: str
    proposal: str
    requested_by: str
    approvers: str
    expires: Moment
    #: where it is answered; empty when there is no address that the page may link to
    link: str
    dag_id: str
    run_id: str


@dataclass(frozen=True)
class FreezeLine:
    """An active freeze."""

    flag: str
    scope: str
    reason: str
    opened_by: str
    since: Moment


@dataclass(frozen=True)
class FlagLine:
    """A flag's value in one scope; None where the store has none."""

    flag: str
    scope: str
    is_enabled: bool | None
    value: str


@dataclass(frozen=True)
class DrillLine:
    """The last drill of one trigger."""

    trigger: str
    sentence: str
    #: the policy asks for a newer one
    is_due: bool
    tone: Tone


@dataclass(frozen=True)
class AuditLine:
    """One entry of the audit log."""

    sequence: int
    at: Moment
    verb: str
    actor: str
    subject: str


def trigger_card(state: TriggerState, board: BoardState) -> TriggerCard:
    """A trigger's card. Its age counts from the end of the newest judged window, in event time."""
    word, tone = _STATES[state.severity]
    age = None if state.window is None else board.event_now - state.window.end
    is_blind = age is None or age > BLIND_AFTER_WINDOWS * board.window_length
    return TriggerCard(
        trigger=state.trigger.value,
        name=state.name.replace("_", " "),
        description=state.description,
        state=NEVER_JUDGED if age is None else word,
        scope=state.scope.value if state.scope else "",
        tone="bad" if is_blind else tone,
        window=window_text(state.window, board.event_now) if state.window else "",
        verdict_age_seconds=None if age is None else max(int(age.total_seconds()), 0),
        verdict_age="" if age is None else duration(age),
        is_blind=is_blind,
        judged=sum(state.tenants.get(severity, 0) for severity in (Severity.NONE, Severity.MILD, Severity.SEVERE)),
        insufficient=state.tenants.get(Severity.INSUFFICIENT, 0),
        no_data=state.tenants.get(Severity.NO_DATA, 0),
        problem=state.no_data_reason,
        alarms=tuple(_alarm_line(alarm) for alarm in state.alarms[:ALARMS_SHOWN]),
        more_alarms=max(len(state.alarms) - ALARMS_SHOWN, 0),
        money=sum_in_words(state.alarms, board.currency) if state.alarms else "",
    )


def _alarm_line(alarm: Verdict) -> AlarmLine:
    return AlarmLine(alarm.tenant_id, alarm.severity.value, alarm.sentence, amount_in_words(alarm.reasons))


def incident_line(incident: Incident, now: datetime, money: str) -> IncidentLine:
    """An incident's line; `now` is event time, as the incident's own times are. `money` is what it is about."""
    return IncidentLine(
        incident_id=incident.incident_id,
        trigger=incident.trigger.value,
        severity=incident.severity.value,
        scope=incident.scope.value,
        status=incident.status.value,
        tone=_STATES[incident.severity][1],
        tenants=listed(incident.tenants, TENANTS_SHOWN),
        since=moment(incident.opened_at, now),
        summary=incident.summary,
        money=money,
    )


def approval_line(approval: Approval, now: datetime, ui_url: str) -> ApprovalLine:
    """A waiting question's line."""
    request = approval.request
    return ApprovalLine(
        approval_id=request.approval_id,
        what=_QUESTIONS[request.kind],
        subject=subject_text(request.subject_id),
        proposal=request.proposal,
        requested_by=request.requested_by,
        approvers=", ".join(request.approvers),
        expires=moment(request.expires_at, now),
        link=safe_link(request.link, ui_url),
        dag_id=request.dag_id,
        run_id=request.run_id,
    )


def freeze_line(freeze: Freeze, now: datetime) -> FreezeLine:
    """An active freeze's line."""
    reason = f"{freeze.reason} ({freeze.doubt})" if freeze.doubt else freeze.reason
    return FreezeLine(freeze.flag, scope_text(freeze.tenant_id), reason, freeze.opened_by, moment(freeze.opened_at, now))


def flag_line(state: FlagState) -> FlagLine:
    """A flag's line. A scope without its own value counts as off, and says so, unless the store does not know."""
    without = state.described() if state.not_known_because else "off (no value stored)"
    words = {True: "on", False: "off", None: without}
    return FlagLine(state.flag, scope_text(state.tenant_id), state.is_enabled, words[state.is_enabled])


def drill_line(last: LastDrill) -> DrillLine:
    """A trigger's last drill. One that is due or failed is a warning, never an alarm: nothing is wrong on the platform."""
    state = "never" if last.drill is None else last.drill.state
    is_good = state == DrillOutcome.ANSWERED.value and not last.is_due
    tone: Tone = "good" if is_good else "unknown" if state in ("never", "requested", "running") and not last.is_due else "warn"
    return DrillLine(last.trigger.value, last.sentence, last.is_due, tone)


def audit_line(entry: AuditEntry, now: datetime) -> AuditLine:
    """An audit entry's line."""
    event = entry.event
    by = named(event.actor, event.detail.get("is_proved") is not False)
    return AuditLine(entry.sequence, moment(event.at, now), event.verb, by, event.subject)
