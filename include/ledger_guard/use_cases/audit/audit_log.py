"""Is the audit log's chain whole, and was it written with the key? Nothing changes but for the entry that brings a key in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_guard.domain.audit import AuditEntry, first_fault
from ledger_guard.domain.audit_heads import ExportedHead, exported_head, heads_fault, log_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import KeyUsed
from ledger_guard.ports import Dependencies


@dataclass(frozen=True)
class AuditCheck:
    """What a verification found."""

    #: sequence and hash of the last entry, as the log's head remembers them: note them elsewhere to prove them later
    entries: int
    head_hash: str
    #: the first thing wrong, or None
    fault: str | None
    #: the first entry that carries a key's mark; None: none does
    marked_from: int | None
    #: whether marks were held against keys
    is_mark_checked: bool
    #: how many exported heads the log was held against
    heads: int
    #: whether the guard that was asked has a key
    is_keyed: bool


@dataclass
class _Passing:
    """What is noted of entries while they are verified, so that the log is read once."""

    wanted: frozenset[int]
    hashes: dict[int, str] = field(default_factory=dict)
    marked_from: int | None = None

    def watched(self, entries: Iterable[AuditEntry]) -> Iterator[AuditEntry]:
        for entry in entries:
            if self.marked_from is None and entry.key_id is not None:
                self.marked_from = entry.sequence
            if entry.sequence in self.wanted:
                self.hashes[entry.sequence] = entry.entry_hash
            yield entry


def verify_audit(deps: Dependencies, keys: AuditKeys | None, heads: Sequence[ExportedHead] = ()) -> AuditCheck:
    """Recompute the whole chain as it stood at one moment; writers are not held up.

    `heads` were exported before; the log must still hold each. `keys` None leaves marks unchecked.
    """
    noted = _Passing(frozenset(head.sequence for head in heads))
    with deps.state.snapshot() as state:
        sequence, head_hash = state.audit.head()
        is_keyed = state.audit.keys.newest is not None
        fault = first_fault(noted.watched(state.audit.entries()), sequence, head_hash, keys)
    fault = fault or heads_fault(heads, keys) or log_fault(heads, noted.hashes, sequence)
    return AuditCheck(sequence, head_hash, fault, noted.marked_from, keys is not None, len(heads), is_keyed)


def use_audit_key(deps: Dependencies, keys: AuditKeys, by: str) -> int | None:
    """Bring the newest key in with an entry of its own, so that from now on an unmarked end is a fault.

    Returns the entry's sequence; None: the log ended with that key's mark already.

    Raises:
        BadInputError: there is no key, or the log is marked with one that this process does not have.
    """
    if keys.newest is None:
        raise BadInputError("audit log: this process has no key; allowed: LEDGER_GUARD_AUDIT_KEY or LEDGER_GUARD_AUDIT_KEY_FILE")
    with deps.state.transaction() as state:
        last = next(iter(state.audit.latest(1)), None)
        if last is not None and last.key_id == keys.newest.key_id:
            return None
        fact = KeyUsed(key_id=keys.newest.key_id, replaces=None if last is None else last.key_id)
        return state.audit.append(recorded(fact, actor=by, subject="audit_log", at=deps.wall_clock.now())).sequence


def audit_head(deps: Dependencies, keys: AuditKeys, earlier: Sequence[ExportedHead] = ()) -> ExportedHead:
    """The log's end as it is now, marked with the newest key; costs two rows, however long the log is.

    Raises:
        LedgerInvariantError: the log no longer holds the last of the `earlier` heads, or that one was forged. Put nothing on
            record over it: find out who did it first.
    """
    last = earlier[-1:]
    with deps.state.snapshot() as state:
        sequence, entry_hash = state.audit.head()
        hashes = {head.sequence: state.audit.hash_at(head.sequence) or "" for head in last}
    fault = heads_fault(last, keys if last and last[0].key_id else None) or log_fault(last, hashes, sequence)
    if fault is not None:
        raise LedgerInvariantError(f"audit log: {fault}")
    return exported_head(sequence, entry_hash, deps.wall_clock.now(), keys.newest)
