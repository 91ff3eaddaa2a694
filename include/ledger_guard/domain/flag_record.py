"""What the audit log says about one flag: the wish on record, what was noticed since, and what people were told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.flags import FlagFrozen, FlagWriteFailed, FlagWriteIntended, FlagWritten, Restored, RolledBack
from ledger_guard.domain.facts.past_the_guard import (
    ChangedPastTheGuard,
    FlagChangesTold,
    FlagNotRead,
    FlagReadAgain,
    FlagValuesSeen,
    FreezeBreachEnded,
)
from ledger_guard.domain.flag_values import FlagValue, effective_in, flag_value

_VERBS = ("roll_back", "restore", "freeze", "watch_flags")


class FlagLog(Protocol):
    """The part of the audit log that tells about flags."""

    @property
    def keys(self) -> AuditKeys:
        """The keys that this process has."""

    def in_any_scope(self, flag: str, verb: str) -> Sequence[AuditEntry]:
        """Entries of a verb about a flag, in order."""


@dataclass(frozen=True)
class NoticedChange:
    """A change past the guard, as it was noticed."""

    #: number of the audit entry that records it
    sequence: int
    noticed_at: datetime
    fact: ChangedPastTheGuard
    incident_id: str | None = None
    is_told: bool = False
    #: when it was last told as enabled during a freeze; None: never, or its end was told
    alarmed_at: datetime | None = None


@dataclass(frozen=True)
class OpenWrite:
    """A write that the guard announced and did not record as done."""

    intent: FlagWriteIntended
    announced_at: datetime
    to_value: FlagValue
    is_refused: bool = False


@dataclass(frozen=True)
class Unread:
    """A flag's store that can't be read."""

    #: number of the audit entry that records it
    sequence: int
    since: datetime
    why: str
    is_told: bool = False


@dataclass
class FlagRecord:
    """One flag's record, read from its entries in their order. Only entries that count are in it (`counted`)."""

    flag: str
    safe_value: bool
    #: number of the newest entry; another one means that something was recorded since
    newest: int = 0
    #: whether the store's values were compared before
    is_compared: bool = False
    #: whether the entry of the first comparison is marked, where there is a key
    is_attested: bool = False
    #: by scope: what the guard wrote last, or found when it first compared
    wished: dict[str, FlagValue] = field(default_factory=dict)
    #: the same with every change that was noticed since
    seen: dict[str, FlagValue] = field(default_factory=dict)
    #: by number of its entry
    changes: dict[int, NoticedChange] = field(default_factory=dict)
    #: by scope: the change past the guard that took it from its safe value, until the guard writes it
    enabled: dict[str, int] = field(default_factory=dict)
    #: by scope: the first change since it was as wished
    departed: dict[str, int] = field(default_factory=dict)
    #: by approval
    open_writes: dict[str, OpenWrite] = field(default_factory=dict)
    #: by freeze: the number of the entry of its opening
    frozen: dict[str, int] = field(default_factory=dict)
    #: by scope: the newest write that a person approved for exactly it
    written: dict[str, tuple[AuditEntry, FlagWritten]] = field(default_factory=dict)
    #: None while the store can be read
    unread: Unread | None = None

    def effective(self, scope: str) -> FlagValue:
        """The value in this scope, as last noticed."""
        return effective_in(self.seen, scope)

    @property
    def unrecorded(self) -> dict[str, NoticedChange]:
        """By scope: since which change the store differs from the wish on record."""
        return {
            scope: self.changes[sequence]
            for scope, sequence in sorted(self.departed.items())
            if self.seen.get(scope) is not self.wished.get(scope)
        }


def flag_record(log: FlagLog, flag: str, safe_value: bool) -> FlagRecord:
    """Read a flag's record."""
    entries = sorted((entry for verb in _VERBS for entry in log.in_any_scope(flag, verb)), key=lambda each: each.sequence)
    record, trusted_until = FlagRecord(flag, safe_value), _first_marked_comparison(entries, log.keys)
    for entry in counted(entries, log.keys):
        _read(record, entry)
    record.is_attested = record.is_compared if log.keys.newest is None else trusted_until is not None
    record.newest = entries[-1].sequence if entries else 0
    return record


def counted(entries: Sequence[AuditEntry], keys: AuditKeys) -> Iterator[AuditEntry]:
    """Entries that count: with a key those that carry its mark.

    Entries from before the key count up to the first marked comparison: the values that it found include what they say.
    """
    if keys.newest is None:
        yield from entries
        return
    trusted_until = _first_marked_comparison(entries, keys)
    for entry in entries:
        if trusted_until is None or entry.sequence < trusted_until or is_marked(entry, keys):
            yield entry


def _first_marked_comparison(entries: Sequence[AuditEntry], keys: AuditKeys) -> int | None:
    found = (each.sequence for each in entries if told(each.event, FlagValuesSeen) and is_marked(each, keys))
    return next(found, None)


def _read(record: FlagRecord, entry: AuditEntry) -> None:
    event = entry.event
    if event.verb == "watch_flags":
        _read_comparison(record, entry)
    elif frozen := told(event, FlagFrozen):
        record.frozen.setdefault(frozen.freeze_id, entry.sequence)
    elif intent := told(event, FlagWriteIntended):
        to_value = _written_value(record, event.verb, intent.to_value)
        record.open_writes[intent.approval_id] = OpenWrite(intent, event.at, to_value)
    elif failed := told(event, FlagWriteFailed):
        _close_refused(record, failed)
    elif written := told(event, RolledBack) or told(event, Restored):
        _read_written(record, entry, written)


def _written_value(record: FlagRecord, verb: str, to_value: bool | None) -> FlagValue:
    by_verb = record.safe_value if verb == "roll_back" else not record.safe_value
    return flag_value(by_verb if to_value is None else to_value)


def _close_refused(record: FlagRecord, failed: FlagWriteFailed) -> None:
    if failed.stage == "refused" and failed.run_id is not None:
        for approval_id, write in record.open_writes.items():
            if write.intent.run_id == failed.run_id:
                record.open_writes[approval_id] = replace(write, is_refused=True)


def _read_written(record: FlagRecord, entry: AuditEntry, written: FlagWritten) -> None:
    own = entry.event.subject.partition("@")[2]
    value = _written_value(record, entry.event.verb, written.to_value)
    scopes = (own,) if written.scopes is None else written.scopes
    for scope in scopes:
        record.wished[scope] = record.seen[scope] = value
    if own not in scopes:
        # it held already; with this it is the wish on record
        _put(record.wished, own, record.seen.get(own, FlagValue.NOT_SET))
    for scope in {own, *scopes}:
        record.enabled.pop(scope, None)
        record.departed.pop(scope, None)
    record.open_writes.pop(written.approval_id or "", None)
    record.written[own] = (entry, written)


def _read_comparison(record: FlagRecord, entry: AuditEntry) -> None:
    event = entry.event
    if seen := told(event, FlagValuesSeen):
        record.is_compared = True
        known = {*record.wished, *record.seen}
        record.wished.update({scope: value for scope, value in seen.values.items() if scope not in known})
        record.seen.update({scope: value for scope, value in seen.values.items() if scope not in known})
    elif changed := told(event, ChangedPastTheGuard):
        _read_change(record, entry, changed)
    elif heard := told(event, FlagChangesTold):
        _read_told(record, heard, event.at)
    elif ended := told(event, FreezeBreachEnded):
        if ended.change in record.changes:
            record.changes[ended.change] = replace(record.changes[ended.change], alarmed_at=None)
    elif not_read := told(event, FlagNotRead):
        record.unread = Unread(entry.sequence, event.at, not_read.why)
    elif told(event, FlagReadAgain):
        record.unread = None


def _read_told(record: FlagRecord, heard: FlagChangesTold, at: datetime) -> None:
    for number in heard.changes:
        if number in record.changes:
            alarmed_at = at if heard.is_alarm else record.changes[number].alarmed_at
            record.changes[number] = replace(record.changes[number], is_told=True, alarmed_at=alarmed_at)
    if record.unread and record.unread.sequence in heard.changes:
        record.unread = replace(record.unread, is_told=True)


def _read_change(record: FlagRecord, entry: AuditEntry, changed: ChangedPastTheGuard) -> None:
    sequence = entry.sequence
    record.changes[sequence] = NoticedChange(sequence, entry.event.at, changed, entry.event.incident_id)
    for scope in changed.scopes:
        _put(record.seen, scope, changed.to_value)
    for scope in changed.scopes:
        if changed.enables:
            record.enabled[scope] = sequence
        elif record.effective(scope).is_safe(record.safe_value):
            record.enabled.pop(scope, None)
        if record.seen.get(scope) is record.wished.get(scope):
            record.departed.pop(scope, None)
        else:
            record.departed.setdefault(scope, sequence)


def _put(values: dict[str, FlagValue], scope: str, value: FlagValue) -> None:
    if value is FlagValue.NOT_SET:
        values.pop(scope, None)
    else:
        values[scope] = value


def changes_between(record: FlagRecord, now: Mapping[str, FlagValue]) -> list[tuple[str, FlagValue, FlagValue, bool]]:
    """Scopes whose value differs from the one noticed last: from, to, and whether it left the safe value."""
    found = []
    for scope in sorted(record.seen.keys() | now.keys()):
        before, after = record.seen.get(scope, FlagValue.NOT_SET), now.get(scope, FlagValue.NOT_SET)
        if before is not after:
            was_safe = record.effective(scope).is_safe(record.safe_value)
            found.append((scope, before, after, was_safe and not effective_in(now, scope).is_safe(record.safe_value)))
    return found
