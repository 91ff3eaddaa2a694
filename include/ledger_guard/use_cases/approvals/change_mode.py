"""Lower or raise a matrix row's mode, on record: by a person, or by the guard when a repair of the row was contradicted."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.modes import ModeChanged, ModeLowered, ModeRaised
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import SUBJECT, RowMode
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.modes import modes_now
from ledger_guard.use_cases.notify.notify import notify, tell

#: for whoever may not raise a mode by a name that is only stated
RAISE_IN_AIRFLOW = (
    "mode raise: refused: a name on a command line is stated, not proved; "
    "needed: an approver starts the DAG guard_mode in Airflow, logged in, with the order raise"
)


def lower_mode(deps: Dependencies, row: str, to: Mode, reason: str, by: str, *, is_proved: bool) -> RowMode:
    """Lower a row's mode, and return the one in force now. Anyone may lower.

    Raises:
        BadInputError: an unknown row, no name, or a reason of less than 10 or more than 2000 characters.
        SafetyRefusal: the mode is not above `to`; nothing was changed.
    """
    why, who = _checked("lower", reason, by)
    with deps.state.transaction() as state:
        found = _row(deps, state, row)
        if not to.is_below(found.mode):
            raise SafetyRefusal(f"mode lower: {found.sentence}; allowed: a mode below it")
        fact = ModeLowered(row=found.row, was=found.mode, to=to, reason=why, is_proved=is_proved)
        return _recorded(deps, state, fact, who)


def raise_mode(deps: Dependencies, row: str, to: Mode, reason: str, by: str) -> RowMode:
    """Raise a row's mode up to the policy's, and return the one in force now. `by` is the name that a login proved.

    Raises:
        BadInputError: an unknown row, no name, or a reason of less than 10 or more than 2000 characters.
        SafetyRefusal: `by` does not approve backfills, the mode is not below `to`, or the policy's mode is; nothing was changed.
    """
    why, who = _checked("raise", reason, by)
    approvers = deps.policy.approvers_of(ApprovalKind.BACKFILL_FORCE).everyone
    if who not in approvers:
        raise SafetyRefusal(f"mode raise: {who} is not an approver of backfills; allowed: {', '.join(sorted(approvers))}")
    with deps.state.transaction() as state:
        found = _row(deps, state, row)
        if not found.mode.is_below(to):
            raise SafetyRefusal(f"mode raise: {found.sentence}; allowed: a mode above it")
        if found.policy_mode.is_below(to):
            allowed = f"at most {found.policy_mode.value}, the policy's mode of this row"
            raise SafetyRefusal(f"mode raise: {found.row}: {to.value} is more than the policy permits; allowed: {allowed}")
        return _recorded(deps, state, ModeRaised(row=found.row, was=found.mode, to=to, reason=why, is_proved=True), who)


def fall_back(deps: Dependencies, rows: Collection[str], why: str, incident_id: str | None) -> tuple[RowMode, ...]:
    """Take these rows back to `propose` by the guard itself, and return those that were above; people are notified once.

    Rows that the policy no longer has are left out.
    """
    lowered = []
    with deps.state.transaction() as state:
        state.audit.take_turn()
        for each in modes_now(deps, state):
            if each.row in rows and Mode.PROPOSE.is_below(each.mode):
                fact = ModeLowered(row=each.row, was=each.mode, to=Mode.PROPOSE, reason=why, is_proved=True, is_by_guard=True)
                lowered.append(_recorded(deps, state, fact, GUARD_ITSELF, incident_id))
    if lowered:
        _tell_fallen_back(deps, lowered, why, incident_id)
    return tuple(lowered)


def _tell_fallen_back(deps: Dependencies, lowered: Sequence[RowMode], why: str, incident_id: str | None) -> None:
    names = ", ".join(each.row for each in lowered)
    notice = Notice(
        title="lower_mode · a row fell back to propose",
        summary=f"{names}: from now on a human approves each repair, because {why}. Raise it again with the DAG guard_mode.",
        incident_id=incident_id,
        is_loud=True,
    )
    tell(lambda: notify(deps, notice))


def _checked(verb: str, reason: str, by: str) -> tuple[str, str]:
    who = by.strip()
    if not who:
        raise BadInputError(f"mode {verb}: the name of the person is empty; allowed: a name")
    return checked_reason(f"mode {verb}: the reason", reason), who


def _row(deps: Dependencies, state: UnitOfWork, row: str) -> RowMode:
    state.audit.take_turn()
    found = modes_now(deps, state)
    for each in found:
        if each.row == " ".join(row.split()):
            return each
    raise BadInputError(f"row: {row[:60]!r} is unknown; allowed: {', '.join(each.row for each in found)}")


def _recorded(deps: Dependencies, state: UnitOfWork, fact: ModeChanged, by: str, incident_id: str | None = None) -> RowMode:
    at = deps.wall_clock.now()
    state.audit.append(recorded(fact, actor=by, subject=SUBJECT, at=at, incident_id=incident_id))
    return _row(deps, state, fact.row)
