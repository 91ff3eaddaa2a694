"""What `audit` says."""

from __future__ import annotations

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.use_cases.audit.audit_export import ExportCheck
from ledger_guard.use_cases.audit.audit_log import AuditCheck


def check_sentences(found: AuditCheck) -> list[str]:
    """A verification that found nothing wrong, and what it could not find out."""
    said = [f"whole: {found.entries} entries, the last one {found.head_hash}"]
    if found.heads:
        said.append(f"{found.heads} exported heads: the log holds each")
    if not found.is_mark_checked:
        said.append("marks: not checked; who has the database and not the key could have written the log anew")
    elif found.marked_from is None:
        said.append("marks: none, the log has no key; who owns the database could write it anew (see `audit new-key`)")
    else:
        said.append(f"marks: a key's from entry {found.marked_from} on, all right")
    if not found.is_keyed:
        said.append(UNKEYED_WORDS)
    return said


def export_sentence(found: ExportCheck, *, is_in_log: bool, is_mark_checked: bool) -> str:
    """A check of exported lines that found nothing wrong."""
    if not found.entries:
        return "no entries"
    where = "each is in the log" if is_in_log else "not held against the log"
    marks = f"{found.marked} carry a key's mark" + (", all right" if is_mark_checked else ", not checked")
    if not is_in_log and (found.marked < found.entries or not is_mark_checked):
        marks += "; anybody could have written the others" if is_mark_checked else "; anybody could have written them"
    return f"right: {found.entries} entries, {found.first} to {found.last}; {where}; {marks}"
