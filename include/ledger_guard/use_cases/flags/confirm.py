"""confirm: check whether a flag change took effect: in the store, on every instance, and by a canary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.flags import ChangeConfirmed
from ledger_guard.domain.flags import (
    EVERYWHERE,
    ChangeStatus,
    FlagChange,
    FlagState,
    effective_value,
    scope_words,
    scopes_to_turn,
)
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.flag_proposal import checked_scope, seen_states


def confirm(deps: Dependencies, flag: str, tenant_id: str) -> FlagChange:
    """Check the effect of the newest change and record the result.

    `confirmed`: the store holds the value (a safe value: for every tenant), every configured instance serves it, and the canary
    shows it. `unconfirmed`: the store holds it, but the policy names no instances or no canary, or the canary is unusable (the
    platform rejects the form of its request, which proves nothing). `not_in_effect`: one of them shows another value or did not
    answer in time. May be repeated: the current result is recorded.

    Raises:
        BadInputError: unknown flag or tenant, or no change of this scope is on record.
        SourceUnavailable: the store did not answer; nothing was recorded. Try again.
    """
    checked_scope(deps, flag, tenant_id)
    with deps.state.transaction() as state:
        change = state.flag_changes.latest(flag, tenant_id)
    if change is None:
        raise BadInputError(f"confirm: no change of {flag}@{tenant_id} is on record; allowed: a scope that was changed")
    seen = seen_states(deps, flag, tenant_id)
    is_safe = change.to_value is deps.policy.flags[flag].safe_value
    others = scopes_to_turn(seen, tenant_id, change.to_value, overrides_too=is_safe)
    # Instances may take minutes to restart: no transaction stays open meanwhile.
    status, finding = _seen_from_outside(deps, change, others)
    now = deps.wall_clock.now()
    found = replace(change, status=status, confirmed_at=now, finding=finding)
    with deps.state.transaction() as state:
        state.flag_changes.save(found)
        state.audit.append(
            recorded(
                ChangeConfirmed(
                    change_id=change.change_id,
                    status=status.value,
                    finding=finding,
                    wanted=change.to_value,
                    serves=effective_value(seen, tenant_id),
                    disagreeing_scopes=tuple(scope.tenant_id for scope in others),
                ),
                actor="ledger_guard",
                subject=f"flag:{flag}@{tenant_id}",
                at=now,
                incident_id=change.incident_id,
                tenant_id=None if tenant_id == EVERYWHERE else tenant_id,
            )
        )
    return found


def _seen_from_outside(deps: Dependencies, change: FlagChange, others: Sequence[FlagState]) -> tuple[ChangeStatus, str]:
    if others:
        held = ", ".join(f"{scope_words(scope.tenant_id)} {scope.described()}" for scope in others)
        return ChangeStatus.NOT_IN_EFFECT, f"the flag store holds another value: {held}"
    unfinished = deps.flags.lacks(change.flag)
    if unfinished:
        return ChangeStatus.NOT_IN_EFFECT, f"the flag store does not have yet: {unfinished}"
    instances = deps.probes and deps.probes.instances(change.flag, change.tenant_id, change.to_value)
    wrong = [finding.words for finding in instances or [] if finding.is_usable and not finding.is_in_effect]
    if wrong:
        return ChangeStatus.NOT_IN_EFFECT, "; ".join(wrong)
    canary = deps.probes and deps.probes.canary(change.flag, change.tenant_id, change.to_value)
    if canary and canary.is_usable and not canary.is_in_effect:
        return ChangeStatus.NOT_IN_EFFECT, canary.words
    missing = [] if instances else ["no instance probe"]
    missing += [] if canary else ["no canary"]
    findings = [*(instances or []), *([canary] if canary else [])]
    shown = [finding.words for finding in findings]
    if missing or not all(finding.is_usable for finding in findings):
        lacking = [f"the policy names {' and '.join(missing)} for {change.flag}@{change.tenant_id}"] if missing else []
        return ChangeStatus.UNCONFIRMED, "; ".join([*lacking, "the flag store holds the value", *shown])
    return ChangeStatus.CONFIRMED, "; ".join(shown)
