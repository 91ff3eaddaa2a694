"""mode_report: per matrix row its mode, how often it acted or would have acted, and how often it was contradicted. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.backfill import PlanAdvanced, PlanReviewed, TenantCompared
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.modes import HeldInShadow
from ledger_guard.domain.false_alarms import was_found_false
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import RowMode
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import PlanStatus
from ledger_guard.domain.shown_text import counted
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.modes import modes_now


@dataclass(frozen=True)
class Plans:
    """Plans of one row, added up."""

    plans: int = 0
    rows: int = 0
    cents: int = 0

    def with_one(self, rows: int, cents: int) -> Plans:
        """With one more plan."""
        return Plans(self.plans + 1, self.rows + rows, self.cents + cents)


@dataclass(frozen=True)
class Contradicted:
    """How many of those plans turned out wrong. A plan may count under several reasons, and counts once in `plans`."""

    plans: int = 0
    undone: int = 0
    #: a later comparison found written rows wrong again
    drifted_back: int = 0
    #: its incident was a false alarm
    found_false: int = 0


@dataclass(frozen=True)
class RowReport:
    """One row, with everything on record about it."""

    row: str
    mode: Mode
    policy_mode: Mode
    since: datetime | None
    why: str
    #: written without a human
    acted: Plans
    #: that nothing but the mode kept from being written without a human
    would_have_acted: Plans
    #: actions other than backfills that were only recorded, in shadow
    other_actions_in_shadow: int
    contradicted: Contradicted

    def lines(self, currency: str) -> list[str]:
        """For people."""
        mode = RowMode(self.row, self.mode, self.policy_mode, self.since, self.why)
        wrong = self.contradicted
        reasons = f"undone {wrong.undone}, drifted back {wrong.drifted_back}, false alarm {wrong.found_false}"
        counts = [
            f"acted {_in_words(self.acted, currency)}",
            f"would have acted {_in_words(self.would_have_acted, currency)}",
            f"contradicted {wrong.plans} ({reasons})",
        ]
        if self.other_actions_in_shadow:
            counts.append(f"other actions recorded in shadow: {self.other_actions_in_shadow}")
        return [mode.sentence, f"  {'; '.join(counts)}"]


def _in_words(found: Plans, currency: str) -> str:
    times = counted(found.plans, "time", "times")
    return f"{times} ({counted(found.rows, 'row', 'rows')}, {readable(found.cents, currency)})" if found.plans else times


def mode_report(deps: Dependencies) -> tuple[RowReport, ...]:
    """Each row of the policy, in its order, from the whole audit log.

    Plans of rows that the policy no longer has are left out, and so are those reviewed before modes existed.
    """
    with deps.state.snapshot() as state:
        outcomes = [_Outcome(state, entry, reviewed) for entry, reviewed in _reviews(state)]
        shadowed = [told(entry.event, HeldInShadow) for entry in state.audit.of_kind("incident", "shadow")]
        return tuple(
            _row(
                mode, [each for each in outcomes if each.row == mode.row], sum(each.row == mode.row for each in shadowed if each)
            )
            for mode in modes_now(deps, state)
        )


def _reviews(state: UnitOfWork) -> Iterator[tuple[AuditEntry, PlanReviewed]]:
    """The newest review of each plan of a row."""
    newest: dict[str, tuple[AuditEntry, PlanReviewed]] = {}
    for entry in state.audit.of_kind("plan", "review"):
        reviewed = told(entry.event, PlanReviewed)
        if reviewed and reviewed.row:
            newest[entry.event.subject] = (entry, reviewed)
    return iter(newest.values())


class _Outcome:
    """What became of one reviewed plan."""

    def __init__(self, state: UnitOfWork, entry: AuditEntry, reviewed: PlanReviewed) -> None:
        self.row, self.rows, self.cents = reviewed.row, reviewed.rows or 0, reviewed.cents or 0
        entries = [each.event for each in state.audit.about(entry.event.subject, ("force", "undo", "verify"))]
        advanced = {found.status for each in entries if (found := told(each, PlanAdvanced))}
        was_written = PlanStatus.FORCING in advanced or PlanStatus.FORCED in advanced
        self.has_acted = was_written and not reviewed.needs_approval and not reviewed.is_empty
        self.would_have_acted = bool(reviewed.is_held_by_mode)
        self.undone = bool(advanced & {PlanStatus.UNDOING, PlanStatus.UNDONE})
        self.drifted_back = any(compared.wrong_again for each in entries if (compared := told(each, TenantCompared)))
        incident_id = entry.event.incident_id
        self.found_false = incident_id is not None and was_found_false(state.audit, incident_id)

    @property
    def is_contradicted(self) -> bool:
        return self.undone or self.drifted_back or self.found_false


def _row(mode: RowMode, outcomes: list[_Outcome], other_actions: int) -> RowReport:
    counted = [each for each in outcomes if each.has_acted or each.would_have_acted]
    return RowReport(
        row=mode.row,
        mode=mode.mode,
        policy_mode=mode.policy_mode,
        since=mode.since,
        why=mode.why,
        acted=_added([each for each in counted if each.has_acted]),
        would_have_acted=_added([each for each in counted if each.would_have_acted]),
        other_actions_in_shadow=other_actions,
        contradicted=Contradicted(
            plans=sum(each.is_contradicted for each in counted),
            undone=sum(each.undone for each in counted),
            drifted_back=sum(each.drifted_back for each in counted),
            found_false=sum(each.found_false for each in counted),
        ),
    )


def _added(outcomes: list[_Outcome]) -> Plans:
    found = Plans()
    for each in outcomes:
        found = found.with_one(each.rows, each.cents)
    return found
