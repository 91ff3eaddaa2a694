"""The page's view model: guard state in, texts and tones out. No I/O, no clock, no HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.domain.modes_on_record import modes_in_short
from ledger_guard.domain.money_at_risk import NOT_KNOWN
from ledger_guard.domain.shown_text import counted, duration
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import iso
from ledger_guard.use_cases.reports.board import BoardState
from ledger_guard_board.lines import (
    BLIND_AFTER_WINDOWS,
    ApprovalLine,
    AuditLine,
    DrillLine,
    FlagLine,
    FreezeLine,
    IncidentLine,
    Tone,
    TriggerCard,
    approval_line,
    audit_line,
    drill_line,
    flag_line,
    freeze_line,
    incident_line,
    trigger_card,
)
from ledger_guard_board.wording import moment

#: from this difference between event time and wall-clock time on, the page says that it shows a rehearsal
_REHEARSAL_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class BoardView:
    """The whole page."""

    read_at: str
    read_at_text: str
    #: the most urgent sentence, and its tone
    headline: str
    tone: Tone
    #: further sentences, by urgency
    notes: tuple[str, ...]
    is_blind: bool
    #: whether the guard is stopped
    is_stopped: bool
    #: paused DAGs, queued emergencies, runs that did not start, questions without a run: a sentence each
    held_up: tuple[str, ...]
    triggers: tuple[TriggerCard, ...]
    #: first to expire comes first
    waiting: tuple[ApprovalLine, ...]
    #: severe ones first
    incidents: tuple[IncidentLine, ...]
    freezes: tuple[FreezeLine, ...]
    flags: tuple[FlagLine, ...]
    #: why the flags could not be read; empty when they could
    flags_problem: str
    #: what is used of each budget, a sentence each
    budgets: tuple[str, ...]
    #: repairs that did not hold and tenants repaired again, a sentence each
    repairs: tuple[str, ...]
    #: who answers instead of whom, a sentence each
    delegations: tuple[str, ...]
    #: how far matrix rows that do not act by themselves may go
    modes: tuple[str, ...]
    #: the last drill of each trigger
    drills: tuple[DrillLine, ...]
    #: questions of drills: they are not among those that wait
    waiting_drills: tuple[ApprovalLine, ...]
    audit: tuple[AuditLine, ...]


def board_view(state: BoardState, ui_url: str) -> BoardView:
    """Build the view. `ui_url` is the UI's address; links into the UI omit the host."""
    cards = tuple(trigger_card(trigger, state) for trigger in state.triggers)
    by_expiry = sorted(state.waiting, key=lambda approval: approval.request.expires_at)
    waiting = tuple(approval_line(approval, state.read_at, ui_url) for approval in by_expiry)
    by_severity = sorted(state.incidents, key=lambda incident: incident.severity is not Severity.SEVERE)
    money = {each.incident_id: state.money_at_risk.get(each.incident_id, NOT_KNOWN) for each in by_severity}
    incidents = tuple(incident_line(each, state.event_now, money[each.incident_id]) for each in by_severity)
    freezes = tuple(freeze_line(freeze, state.read_at) for freeze in state.freezes)
    sentences = list(_sentences(state, cards, incidents, waiting, freezes)) or [(_all_quiet(state), "good")]
    (headline, tone), *further = sentences
    return BoardView(
        read_at=iso(state.read_at),
        read_at_text=moment(state.read_at, state.read_at).text,
        headline=headline,
        tone=tone,
        notes=(*(text for text, _ in further), *_rehearsal(state), *_unkeyed(state)),
        is_blind=any(card.is_blind for card in cards),
        is_stopped=state.stop is not None,
        held_up=state.held_up,
        triggers=cards,
        waiting=waiting,
        incidents=incidents,
        freezes=freezes,
        flags=tuple(flag_line(flag) for flag in state.flags),
        flags_problem=state.flags_problem,
        budgets=tuple(each.sentence(state.currency) for each in state.budgets),
        repairs=state.repairs,
        delegations=tuple(each.sentence for each in state.delegations),
        modes=modes_in_short(state.modes),
        drills=tuple(drill_line(each) for each in state.drills),
        waiting_drills=tuple(approval_line(each, state.read_at, ui_url) for each in state.waiting_drills),
        audit=tuple(audit_line(entry, state.read_at) for entry in state.audit),
    )


def _sentences(
    state: BoardState,
    cards: Sequence[TriggerCard],
    incidents: Sequence[IncidentLine],
    waiting: Sequence[ApprovalLine],
    freezes: Sequence[FreezeLine],
) -> Iterator[tuple[str, Tone]]:
    """Everything that is not quiet, the most urgent first."""
    yield from _stop(state)
    yield from ((text, "bad") for text, breaks_a_freeze in state.flags_past_the_guard if breaks_a_freeze)
    if blind := [card.trigger for card in cards if card.is_blind]:
        limit = duration(BLIND_AFTER_WINDOWS * state.window_length)
        yield (
            f"Guard blind for {', '.join(blind)}: no verdict within the last {limit}. An incident there would not be detected.",
            "bad",
        )
    yield from _held_up(state)
    yield from _settling(state)
    if incidents:
        each = ", ".join(f"{incident.trigger} {incident.severity} ({incident.scope})" for incident in incidents)
        worst: Tone = "bad" if any(incident.tone == "bad" for incident in incidents) else "warn"
        yield f"{counted(len(incidents), 'open incident', 'open incidents')}: {each}.", worst
    known = {incident.trigger for incident in incidents}
    for card in cards:
        if card.scope and card.trigger not in known:
            yield f"{card.trigger} is in alarm ({card.state}, {card.scope}) and has no incident yet.", card.tone
    if waiting:
        asked = counted(len(waiting), "approval waits for an answer", "approvals wait for an answer")
        yield f"{asked}; no answer counts as Reject, the first expires {waiting[0].expires.distance}.", "warn"
    if unmeasured := [card.trigger for card in cards if card.state == "no data"]:
        yield f"No data for {', '.join(unmeasured)} in the newest window: this is not the same as quiet.", "warn"
    if freezes:
        flags = ", ".join(sorted({freeze.flag for freeze in freezes}))
        yield f"{counted(len(freezes), 'freeze is active', 'freezes are active')}: {flags}.", "warn"
    if thin := [card.trigger for card in cards if card.state == "insufficient"]:
        yield f"Too little traffic to judge {', '.join(thin)}.", "unknown"
    yield from ((text, "warn") for text, breaks_a_freeze in state.flags_past_the_guard if not breaks_a_freeze)
    if state.flags_problem:
        yield "The flags' values can't be read.", "warn"


def _stop(state: BoardState) -> Iterator[tuple[str, Tone]]:
    if state.stop:
        yield f"Guard {state.stop.sentence}. It writes nothing until a second person releases it.", "bad"


def _settling(state: BoardState) -> Iterator[tuple[str, Tone]]:
    if state.settling:
        yield f"{state.settling[0].upper()}{state.settling[1:]}. Nothing is written without a human.", "warn"


def _held_up(state: BoardState) -> Iterator[tuple[str, Tone]]:
    for sentence in state.held_up:
        yield sentence, "bad"


def _all_quiet(state: BoardState) -> str:
    limit = duration(BLIND_AFTER_WINDOWS * state.window_length)
    return (
        f"All quiet: every trigger was judged within the last {limit}, no incident is open, no approval waits, no flag is frozen."
    )


def _unkeyed(state: BoardState) -> Iterator[str]:
    if not state.is_keyed:
        yield f"{UNKEYED_WORDS[0].upper()}{UNKEYED_WORDS[1:]}."


def _rehearsal(state: BoardState) -> Iterator[str]:
    if abs(state.event_now - state.read_at) > _REHEARSAL_AFTER:
        yield f"This is a rehearsal: windows and incidents use its own clock, which shows {iso(state.event_now)}."
