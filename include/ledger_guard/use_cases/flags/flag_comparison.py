"""Holds what the flag store has against the guard's record, and records what nobody asked the guard for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SourceUnavailable
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.past_the_guard import ChangedPastTheGuard, FlagNotRead, FlagReadAgain, FlagValuesSeen
from ledger_guard.domain.flag_record import FlagRecord, OpenWrite, changes_between, flag_record
from ledger_guard.domain.flag_values import FlagValue, scope_key, values_of
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import one_line
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand
from ledger_guard.use_cases.flags.flag_write import write_mark

#: a write of the guard may come and go between two looks: then another one decides
_LOOKS = 3
#: how long a write that the guard announced explains its value without the guard's reason beside it
_WRITE_TAKES_AT_MOST = timedelta(hours=1)
#: so much is kept of a text that the store gives
_TEXT_CHARACTERS = 300


@dataclass(frozen=True)
class FlagLook:
    """What a flag's store says now."""

    #: by recorded scope; None when it could not be read
    states: Mapping[str, FlagState] | None
    #: why it could not
    why: str = ""

    @property
    def values(self) -> dict[str, FlagValue]:
        """The values by scope; none when it could not be read."""
        return values_of((self.states or {}).values())


def compare_flags(deps: Dependencies) -> None:
    """Record how each flag of the policy differs from its record. Tells nobody; `watch_flags` does.

    The first comparison of a flag records its values. A store that does not answer is recorded as not read, once.
    A value that the guard is writing, or wrote in a run that was killed before it was recorded, is the guard's own.

    Raises SourceUnavailable when guard state does not answer.
    """
    for flag in deps.policy.flags:
        # else the guard wrote it during every look: the next check decides
        any(_compared(deps, flag) for _ in range(_LOOKS))


def record_of(deps: Dependencies, state: UnitOfWork, flag: str) -> FlagRecord:
    """The flag's record in the audit log."""
    return flag_record(state.audit, flag, deps.policy.flags[flag].safe_value)


def look_at_flag(deps: Dependencies, flag: str) -> FlagLook:
    """Read all scopes of a flag, the global one also where it has no value."""
    try:
        states = deps.flags.scopes(flag)
        if all(state.tenant_id != EVERYWHERE for state in states):
            states = [deps.flags.get(flag, EVERYWHERE), *states]
    except (SourceUnavailable, LedgerInvariantError, BadInputError) as error:
        return FlagLook(None, str(error))
    return FlagLook({scope_key(state.tenant_id): state for state in states})


def _compared(deps: Dependencies, flag: str) -> bool:
    """Whether the record stayed the same around the look, so that the two belong together.

    The guard records that it will write before it writes: whatever of its own the look found, the record explains.
    """
    with deps.state.transaction() as state:
        before = record_of(deps, state, flag)
    look, now = look_at_flag(deps, flag), deps.wall_clock.now()
    if not any(True for _ in _news(before, look, now)):
        return True
    with deps.state.transaction() as state:
        state.audit.take_turn()
        record = record_of(deps, state, flag)
        if record.newest != before.newest:
            return False
        incident_id = _incident_of(deps, state, flag)
        for fact in _news(record, look, now):
            scopes = fact.scopes if isinstance(fact, ChangedPastTheGuard) else (EVERYWHERE,)
            only = scopes[0] if len(scopes) == 1 else EVERYWHERE
            state.audit.append(
                recorded(
                    fact,
                    actor=GUARD_ITSELF,
                    subject=f"flag:{flag}@{only}",
                    at=now,
                    incident_id=incident_id if isinstance(fact, ChangedPastTheGuard) else None,
                    tenant_id=None if only == EVERYWHERE else only,
                )
            )
    return True


def _news(record: FlagRecord, look: FlagLook, now: datetime) -> Iterator[Fact]:
    if look.states is None:
        if record.unread is None:
            yield FlagNotRead(stage="not_read", why=_text(look.why))
        return
    if record.unread is not None:
        yield FlagReadAgain(stage="read_again")
    values = look.values
    if not record.is_attested:
        yield FlagValuesSeen(stage="seen", values=record.seen if record.is_compared else values)
    yield from _changes(record, look.states, values, now)


def _changes(
    record: FlagRecord, states: Mapping[str, FlagState], values: Mapping[str, FlagValue], now: datetime
) -> Iterator[ChangedPastTheGuard]:
    """What changed, scopes that changed alike together."""
    alike: dict[ChangedPastTheGuard, list[str]] = {}
    for scope, before, after, enables in changes_between(record, values):
        state = states.get(scope)
        is_first_seen = not record.is_compared and scope not in record.seen
        if is_first_seen or _is_own(record, scope, after, state, now):
            continue
        change = ChangedPastTheGuard(
            stage="changed",
            scopes=(),
            from_value=before,
            to_value=after,
            enables=enables,
            changed_by=(_text(state.changed_by) or None) if state else None,
            changed_at=state.changed_at if state else None,
            why=(_text(state.not_known_because) or None) if state else None,
        )
        alike.setdefault(change, []).append(scope)
    for change, scopes in alike.items():
        yield replace(change, scopes=tuple(scopes))


def _is_own(record: FlagRecord, scope: str, after: FlagValue, state: FlagState | None, now: datetime) -> bool:
    """Whether a write that the guard announced explains this value."""
    reason = state.change_reason if state else ""
    return any(_explains(write, scope, after, reason, now) for write in record.open_writes.values())


def _explains(write: OpenWrite, scope: str, after: FlagValue, reason: str, now: datetime) -> bool:
    if scope not in write.intent.before or after is not write.to_value:
        return False
    is_going_on = not write.is_refused and abs(now - write.announced_at) <= _WRITE_TAKES_AT_MOST
    return is_going_on or reason.endswith(write_mark(write.intent.approval_id))


def _incident_of(deps: Dependencies, state: UnitOfWork, flag: str) -> str | None:
    """The incident that a change of this flag belongs to: an open one of its signals, else that of its oldest freeze."""
    triggers = [trigger for trigger, described in deps.policy.triggers.items() if described.flag == flag]
    incidents = [state.incidents.open_for(trigger) for trigger in triggers]
    found = [each.incident_id for each in incidents if each is not None]
    found += [each.incident_id for each in freezes_that_stand(deps, state, flag) if each.incident_id]
    return found[0] if found else None


def _text(words: str) -> str:
    return one_line(words)[:_TEXT_CHARACTERS]
