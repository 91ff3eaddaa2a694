"""Records the audit log's head outside its database."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.audit_heads import ExportedHead, exported_head, heads_fault, log_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.ports import Dependencies


def audit_head(deps: Dependencies, keys: AuditKeys, earlier: Sequence[ExportedHead] = ()) -> ExportedHead:
    """The log's current head, marked with the newest key; reads two rows, however long the log is.

    Raises:
        LedgerInvariantError: the log no longer holds the last of the `earlier` heads, or that head was forged. Record
        nothing over it; first find out who did it.
    """
    last = earlier[-1:]
    with deps.state.snapshot() as state:
        sequence, entry_hash = state.audit.head()
        hashes = {head.sequence: state.audit.hash_at(head.sequence) or "" for head in last}
    fault = heads_fault(last, keys if last and last[0].key_id else None) or log_fault(last, hashes, sequence)
    if fault is not None:
        raise LedgerInvariantError(f"audit log: {fault}")
    return exported_head(sequence, entry_hash, deps.wall_clock.now(), keys.newest)
