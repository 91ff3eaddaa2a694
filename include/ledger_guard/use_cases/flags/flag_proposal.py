"""What a flag change would do: text for the approver, and a hash that shows whether it still applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.flags import EVERYWHERE, FlagState, flag_subject_hash, scope_words, scopes_to_turn
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.shown_text import counted, listed
from ledger_guard.ports import Dependencies

#: start of the evidence in a proposal's text; facts follow, separated by `; `
_SEEN = " Seen: "


@dataclass(frozen=True)
class FlagProposal:
    """A flag change as it would be made now."""

    flag: str
    #: a tenant id, or `*`
    tenant_id: str
    #: `flag@scope`
    subject_id: str
    #: covers every scope read, the target value and the evidence: any change voids an approval
    subject_hash: str
    #: for people: what will be done, why, and what was read
    text: str
    #: False when there is nothing to write
    is_needed: bool
    target: bool
    seen: tuple[FlagState, ...]
    #: the scopes of `seen` that have to be written
    to_write: tuple[FlagState, ...]


def checked_scope(deps: Dependencies, flag: str, tenant_id: str) -> None:
    """Check that the policy has the flag and the platform has the tenant (`*` is every tenant).

    Raises:
        BadInputError: unknown flag or tenant, or a tenant for a flag that has only a global value. Nothing was written.
    """
    deps.policy.checked_flag(flag)
    if tenant_id == EVERYWHERE:
        return
    checked_tenant_id(tenant_id)
    if not deps.policy.flags[flag].per_tenant:
        raise BadInputError(f"flag: {flag} has no value per tenant; allowed: tenant id {EVERYWHERE}")
    if not deps.flags.per_tenant:
        raise BadInputError(f"flag store: has one value for everyone, none for {tenant_id}; allowed: tenant id {EVERYWHERE}")
    checked_tenant(deps, tenant_id)


def checked_tenant(deps: Dependencies, tenant_id: str) -> None:
    """Raise BadInputError when the platform has no such tenant."""
    if not deps.ledger.tenant_exists(checked_tenant_id(tenant_id)):
        raise BadInputError(f"tenant id: the platform has no tenant {tenant_id!r}; allowed: an existing tenant, or {EVERYWHERE}")


def seen_states(deps: Dependencies, flag: str, tenant_id: str) -> tuple[FlagState, ...]:
    """The states that a change of this scope depends on: the global one, and the tenant's own or all tenants'."""
    globally = deps.flags.get(flag, EVERYWHERE)
    if tenant_id != EVERYWHERE:
        return (globally, deps.flags.get(flag, tenant_id))
    return (globally, *(state for state in deps.flags.scopes(flag) if state.tenant_id != EVERYWHERE))


def proposed(
    deps: Dependencies,
    flag: str,
    tenant_id: str,
    *,
    incident_id: str | None,
    target: bool,
    seen: Sequence[FlagState],
    text: str,
    evidence: Sequence[str],
    facts: Sequence[str],
    also_needed: bool = False,
) -> FlagProposal:
    """Build a proposal from the states seen.

    `evidence` goes into the hash. `facts` say the same for people and show afterwards what changed. `also_needed`: there is
    something to do besides writing the flag.
    """
    unfinished = deps.flags.lacks(flag)
    to_write = scopes_to_turn(seen, tenant_id, target, overrides_too=target is deps.policy.flags[flag].safe_value)
    return FlagProposal(
        flag=flag,
        tenant_id=tenant_id,
        subject_id=f"{flag}@{tenant_id}",
        subject_hash=flag_subject_hash(seen, target, incident_id, evidence),
        text=text
        + (f" An earlier write is incomplete ({unfinished}): this completes it." if unfinished else "")
        + _SEEN
        + "; ".join([*_shown(seen, deps.policy.notification.list_at_most), *facts]),
        is_needed=bool(to_write or unfinished) or also_needed,
        target=target,
        seen=tuple(seen),
        to_write=to_write,
    )


def listed_tenants(deps: Dependencies, tenants: Sequence[str]) -> str:
    """For people: how many tenants, and the first of them."""
    return f"{counted(len(tenants), 'tenant', 'tenants')} ({listed(tenants, deps.policy.notification.list_at_most)})"


def what_changed(approved_text: str, text_now: str) -> str:
    """What differs between what the approver saw and now."""
    approved, now = _facts(approved_text), _facts(text_now)
    gone = [fact for fact in approved if fact not in now]
    new = [fact for fact in now if fact not in approved]
    if not gone and not new:
        return f"approved: {approved_text}; now it would be: {text_now}"
    return f"approved: {', '.join(gone) or 'none of this'}; now: {', '.join(new) or 'gone'}"


def _facts(text: str) -> list[str]:
    return text.rpartition(_SEEN)[2].split("; ")


def _shown(seen: Sequence[FlagState], at_most: int) -> list[str]:
    shown = [f"{scope_words(state.tenant_id)} {state.described()}" for state in seen[: at_most + 1]]
    return [*shown, f"and {len(seen) - len(shown)} tenants more"] if len(seen) > len(shown) else shown
