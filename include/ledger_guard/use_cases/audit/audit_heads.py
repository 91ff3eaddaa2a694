"""Puts the audit log's end on record outside of its database."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.audit_heads import ExportedHead, exported_head, heads_fault, log_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.ports import Dependencies


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
