"""Active freezes and overrides, by guard state and the marked audit entries, whichever is stricter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from ledger_guard.domain.attestations import (
    LIFT_COLUMNS,
    attestation_fault,
    is_marked,
    is_unkeyed,
    lift_attested,
    override_attested,
)
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.codec import recorded, told, told_for_certain
from ledger_guard.domain.facts.flags import FlagFrozen, FreezeLifted, OverrideEnded, OverrideGranted, Restored
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def freezes_that_stand(deps: Dependencies, state: UnitOfWork, flag: str | None = None) -> list[Freeze]:
    """Active freezes, oldest first; `flag` None: of every flag of the policy.

    With a key, only a marked entry ends a freeze. If its row was deleted, edited or lifted without such an entry, it stays
    active and its `doubt` says why. A row without a marked entry freezes its flag too.
    """
    if state.audit.keys.newest is None:
        return state.freezes.standing(flag)
    flags = sorted({*deps.policy.flags, *(each.flag for each in state.freezes.standing())}) if flag is None else [flag]
    found = [freeze for name in flags for freeze in _standing(state, name)]
    return sorted(found, key=lambda each: each.opened_at)


def overrides_that_count(state: UnitOfWork, now: datetime, flag: str | None = None) -> list[FreezeOverride]:
    """Active overrides, oldest first, whose granting names a person whom a login proved.

    With a key, only those that a marked entry grants and no entry ends.
    """
    found = [each for each in state.overrides.in_force(now, flag) if _is_proved(state, each)]
    if state.audit.keys.newest is None:
        return found
    return [each for each in found if attestation_fault(state.audit, override_attested(each)) is None and not _ended(state, each)]


def is_opening_attested(state: UnitOfWork, freeze: Freeze) -> bool:
    """Whether a marked entry records the freeze's opening; without a key none is needed."""
    entries = state.audit.about(f"flag:{freeze.flag}@{freeze.tenant_id}", ("freeze",)) if state.audit.keys.newest else []
    opened = [(entry, told(entry.event, FlagFrozen)) for entry in entries]
    own = [entry for entry, frozen in opened if frozen and frozen.freeze_id == freeze.freeze_id]
    return state.audit.keys.newest is None or any(is_marked(entry, state.audit.keys) for entry in own)


def lift_freeze(state: UnitOfWork, lifted: Freeze, actor: str) -> None:
    """Store and attest a lifting; raises SafetyRefusal when the root cause is missing or someone lifted it meanwhile."""
    if lifted.doubt:
        state.freezes.set_right(lifted)
    else:
        state.freezes.lift(lifted)
    _record_lift(state, lifted, actor, lifted.lifted_at or lifted.opened_at)


def take_as_lifted(deps: Dependencies, actor: str) -> list[Freeze]:
    """Attest liftings without a marked entry: they are from before the log had a key.

    Until this they stand again; their rows are taken at their word for the last time, so look at what it names.
    """
    with deps.state.transaction() as state:
        found = [
            each
            for each in state.freezes.recorded()
            if not each.stands and not is_opening_attested(state, each) and attestation_fault(state.audit, lift_attested(each))
        ]
        for each in found:
            _record_lift(state, each, actor, deps.wall_clock.now(), from_before_the_key=True)
    return found


def _record_lift(state: UnitOfWork, lifted: Freeze, actor: str, at: datetime, *, from_before_the_key: bool | None = None) -> None:
    attested = lift_attested(lifted)
    fact = FreezeLifted(
        flag=lifted.flag,
        scope=lifted.tenant_id,
        from_before_the_key=from_before_the_key,
        attested=(attested.row,),
        unkeyed=is_unkeyed(state.audit),
    )
    state.audit.append(recorded(fact, actor=actor, subject=attested.subject, at=at, incident_id=lifted.incident_id))


def _standing(state: UnitOfWork, flag: str) -> Iterator[Freeze]:
    rows = {each.freeze_id: each for each in state.freezes.recorded(flag)}
    opened = [entry for entry in state.audit.in_any_scope(flag, "freeze") if is_marked(entry, state.audit.keys)]
    logged = {freeze.freeze_id: freeze for freeze in map(_as_opened, opened)}
    for freeze_id in rows | logged:
        row, as_opened = rows.get(freeze_id), logged.get(freeze_id)
        why = _why_it_stands(state, row, as_opened)
        freeze = as_opened or row
        if why is not None and freeze is not None:
            unlifted: dict[str, Any] = dict.fromkeys(LIFT_COLUMNS)
            yield replace(freeze, **unlifted, doubt=why)


def _why_it_stands(state: UnitOfWork, row: Freeze | None, as_opened: Freeze | None) -> str | None:
    """None: it was lifted. Empty: it was not. Else: what is wrong with the row."""
    if row is None:
        lifted = as_opened is None or _lift_is_on_record(state, as_opened.freeze_id)
        return None if lifted else "its row is gone or of another flag, and no marked audit entry lifted it"
    if not row.stands:
        fault = attestation_fault(state.audit, lift_attested(row))
        return None if fault is None or _lifted_by_an_earlier_version(state, row) else f"its row says lifted, but {fault}"
    names = [each.name for each in fields(row) if each.compare and as_opened is not None]
    edited = [name for name in names if getattr(row, name) != getattr(as_opened, name)]
    return f"its row was edited since it was opened: {', '.join(edited)}" if edited else ""


def _lift_is_on_record(state: UnitOfWork, freeze_id: str) -> bool:
    return any(is_marked(entry, state.audit.keys) for entry in state.audit.about(f"freeze:{freeze_id}", ("lift",)))


def _lifted_by_an_earlier_version(state: UnitOfWork, row: Freeze) -> bool:
    """Whether a marked restore lifted the freeze, from the time before liftings had their own entries."""
    if _lift_is_on_record(state, row.freeze_id):
        return False
    says = (row.lifted_by, row.root_cause, row.root_cause_link, row.root_cause_owner)
    for entry in state.audit.in_any_scope(row.flag, "restore"):
        restored = told(entry.event, Restored)
        if restored is None or row.freeze_id not in restored.lifted_freezes:
            continue
        cause = restored.root_cause, restored.root_cause_link, restored.root_cause_owner
        if (restored.approved_by, *cause) == says and is_marked(entry, state.audit.keys):
            return True
    return False


def _as_opened(entry: AuditEntry) -> Freeze:
    """A freeze as recorded by the entry of its opening."""
    event, frozen = entry.event, told_for_certain(entry, FlagFrozen)
    flag, _, tenant_id = event.subject.removeprefix("flag:").partition("@")
    opened_by, opened_at = frozen.opened_by or event.actor, frozen.opened_at or event.at
    return Freeze(frozen.freeze_id, flag, tenant_id, frozen.reason, opened_by, opened_at, event.incident_id)


def _is_proved(state: UnitOfWork, override: FreezeOverride) -> bool:
    entries = state.audit.about(override_attested(override).subject, ("override",))
    granted = [told(entry.event, OverrideGranted) for entry in entries]
    return any(each and each.override_id == override.override_id and each.is_proved for each in granted)


def _ended(state: UnitOfWork, override: FreezeOverride) -> bool:
    entries = state.audit.about(override_attested(override).subject, ("override",))
    ended = [told(entry.event, OverrideEnded) for entry in entries]
    return any(each and each.override_id == override.override_id for each in ended)
