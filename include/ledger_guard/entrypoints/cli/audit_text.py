"""The texts of `audit`."""

from __future__ import annotations

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.use_cases.audit.audit_export import ExportCheck
from ledger_guard.use_cases.audit.audit_log import AuditCheck


def check_sentences(found: AuditCheck) -> list[str]:
    """A verification without faults, and what it could not check."""
    said = [f"intact: {found.entries} entries, last hash {found.head_hash}"]
    if found.heads:
        said.append(f"{found.heads} exported heads: all are in the log")
    if not found.is_mark_checked:
        said.append("marks: not checked; someone with the database but without the key could have rewritten the log")
    elif found.marked_from is None:
        said.append("marks: none, the log has no key; the database's owner could rewrite it (see `audit new-key`)")
    else:
        said.append(f"marks: from entry {found.marked_from} on, all valid")
    if not found.is_keyed:
        said.append(UNKEYED_WORDS)
    return said


def export_sentence(found: ExportCheck, *, is_in_log: bool, is_mark_checked: bool) -> str:
    """A check of exported lines without faults."""
    if not found.entries:
        return "no entries"
    where = "all are in the log" if is_in_log else "not compared with the log"
    marks = f"{found.marked} carry a key's mark" + (", all valid" if is_mark_checked else ", not checked")
    if not is_in_log and (found.marked < found.entries or not is_mark_checked):
        marks += "; anyone could have written the others" if is_mark_checked else "; anyone could have written them"
    return f"valid: {found.entries} entries, {found.first} to {found.last}; {where}; {marks}"
