"""delegate: an approver lets another named person answer instead of them for a limited time; withdraw: ends that early."""

from __future__ import annotations

import math
from datetime import timedelta

from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.delegations import SUBJECT, Delegation, delegations_at
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.delegations import Delegated, DelegationWithdrawn
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.identities import others_than, same_person
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.domain.shown_text import listed, wrote
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notify import notify, tell

#: how many names a refusal lists
_NAMES = 20


def delegations_now(deps: Dependencies, state: UnitOfWork) -> tuple[Delegation, ...]:
    """The delegations that count now, by the audit log and the current policy."""
    policy = deps.policy
    longest = timedelta(hours=policy.delegation.most_hours)
    return delegations_at(state.audit, deps.wall_clock.now(), longest, policy.named_people)


def delegate(deps: Dependencies, to: str, hours: float, reason: str, by: str) -> Delegation:
    """Let `to` answer questions instead of `by`, from now on for `hours`; for questions asked meanwhile.

    `by` is who a login proved, never a name in a form. Their own right stays; both together count as one person. Nothing but
    approvals is delegated: not acting alone, not overrides, not releases.

    Raises:
        BadInputError: no name, hours or reason.
        SafetyRefusal: the policy does not allow it, or not for so long; `by` has no right of their own, has delegated already,
            or names themself or a person whom the policy does not name. Nothing was recorded.
    """
    to, why = to.strip(), checked_reason("delegate: the reason", reason)
    if not to:
        raise BadInputError("delegate: the name of the other person is empty; allowed: a user name that the policy names")
    if not math.isfinite(hours) or hours <= 0:
        raise BadInputError(f"delegate: hours: is {hours:g}; allowed: more than 0")
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        # two at once: the second one sees the first
        state.audit.take_turn()
        refused = _why_not(deps, delegations_now(deps, state), to, hours, by)
        if refused:
            raise SafetyRefusal(f"delegate: refused: {refused}")
        given = Delegation(new_id(), by, to, now, now + timedelta(hours=hours), why)
        fact = Delegated(
            delegation_id=given.delegation_id,
            to=to,
            until=given.until,
            reason=why,
            is_proved=True,
            unkeyed=is_unkeyed(state.audit),
        )
        state.audit.append(recorded(fact, actor=by, subject=SUBJECT, at=now))
    _tell(deps, "delegate", f"{given.sentence}: {by} {wrote(why)}. It counts for questions asked from now on.")
    return given


def withdraw(deps: Dependencies, reason: str, by: str) -> tuple[Delegation, ...]:
    """End what `by` delegated, or if nothing, what was delegated to them. Answers given by it count no more.

    Raises:
        BadInputError: no reason.
        SafetyRefusal: there is nothing to withdraw.
    """
    why, now = checked_reason("withdraw: the reason", reason), deps.wall_clock.now()
    with deps.state.transaction() as state:
        state.audit.take_turn()
        active = delegations_now(deps, state)
        ended = [each for each in active if each.by == by] or [each for each in active if each.to == by]
        if not ended:
            raise SafetyRefusal(f"withdraw: {by} has delegated nothing, and nothing is delegated to them; needed: nothing")
        for each in ended:
            fact = DelegationWithdrawn(delegation_id=each.delegation_id, reason=why, is_proved=True)
            state.audit.append(recorded(fact, actor=by, subject=SUBJECT, at=now))
    for each in ended:
        _tell(deps, "withdraw", f"{each.to} no longer answers instead of {each.by}: {by} {wrote(why)}.")
    return tuple(ended)


def _why_not(deps: Dependencies, active: tuple[Delegation, ...], to: str, hours: float, by: str) -> str:
    policy, most = deps.policy, deps.policy.delegation.most_hours
    if by not in policy.approvers:
        through = " of their own: a delegated right can't be delegated on" if any(each.to == by for each in active) else ""
        return f"{by} has no right to approve{through}; allowed: {listed(policy.approvers, _NAMES)}"
    if hours > most:
        return f"{hours:g} hours is more than the policy's maximum of {most}" + ("" if most else ": no one may delegate")
    if same_person(by, to):
        return f"{to} is {by}; allowed: another person"
    if to not in policy.named_people:
        allowed = listed(others_than(policy.named_people, by), _NAMES)
        return f"{to[:60]!r} is not a person whom the policy names; allowed: {allowed}"
    standing = next((each for each in active if each.by == by), None)
    return "" if standing is None else f"{standing.sentence}; needed: withdraw that first"


def _tell(deps: Dependencies, verb: str, summary: str) -> None:
    tell(lambda: notify(deps, Notice(title=f"{verb} · approvals", summary=summary)))
