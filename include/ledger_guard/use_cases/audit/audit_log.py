"""Is the audit log's chain intact, and was it written with the key? Read-only, except for the entry that adds a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_guard.domain.audit import AuditEntry, first_fault
from ledger_guard.domain.audit_heads import ExportedHead, heads_fault, log_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import KeyUsed
from ledger_guard.domain.flags import Freeze
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.attested_freezes import take_as_lifted


@dataclass(frozen=True)
class AuditCheck:
    """The result of a verification."""

    #: sequence and hash of the last entry, from the log's head: keep them elsewhere as later proof
    entries: int
    head_hash: str
    #: the first fault, or None
    fault: str | None
    #: the first entry that carries a key's mark; None: none does
    marked_from: int | None
    #: whether marks were checked with keys
    is_mark_checked: bool
    #: how many exported heads were checked against the log
    heads: int
    #: whether this guard has a key
    is_keyed: bool


@dataclass
class _Passing:
    """What is collected while entries are verified, so that the log is read once."""

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
    """Recompute the whole chain from one snapshot; writers are not blocked.

    `heads` were exported earlier; the log must still hold each. `keys` None leaves marks unchecked.
    """
    noted = _Passing(frozenset(head.sequence for head in heads))
    with deps.state.snapshot() as state:
        sequence, head_hash = state.audit.head()
        is_keyed = state.audit.keys.newest is not None
        fault = first_fault(noted.watched(state.audit.entries()), sequence, head_hash, keys)
    fault = fault or heads_fault(heads, keys) or log_fault(heads, noted.hashes, sequence)
    return AuditCheck(sequence, head_hash, fault, noted.marked_from, keys is not None, len(heads), is_keyed)


@dataclass(frozen=True)
class KeyBroughtIn:
    """The result of adding a key."""

    #: of its entry; None: the log already ended with that key's mark
    sequence: int | None
    #: from before the log had a key: their rows were trusted, for the last time
    lifted_freezes: tuple[Freeze, ...]


def use_audit_key(deps: Dependencies, keys: AuditKeys, by: str) -> KeyBroughtIn:
    """Add the newest key with its own entry; from then on an unmarked end is a fault.

    Freezes lifted while there was no key are active again until this attests their liftings: check what it names.

    Raises:
        BadInputError: there is no key, or the log is marked with one that this process does not have.
    """
    if keys.newest is None:
        raise BadInputError("audit log: this process has no key; allowed: LEDGER_GUARD_AUDIT_KEY or LEDGER_GUARD_AUDIT_KEY_FILE")
    with deps.state.transaction() as state:
        last = next(iter(state.audit.latest(1)), None)
        now, sequence = deps.wall_clock.now(), None
        if last is None or last.key_id != keys.newest.key_id:
            fact = KeyUsed(key_id=keys.newest.key_id, replaces=None if last is None else last.key_id)
            sequence = state.audit.append(recorded(fact, actor=by, subject="audit_log", at=now)).sequence
        return KeyBroughtIn(sequence, tuple(take_as_lifted(state, by, now)))
