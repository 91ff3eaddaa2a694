"""The audit log's keys, from the environment or a file that it names; never from a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys, parse_audit_keys
from ledger_guard.domain.errors import BadInputError

KEY_VARIABLE = "LEDGER_GUARD_AUDIT_KEY"
FILE_VARIABLE = "LEDGER_GUARD_AUDIT_KEY_FILE"


def audit_keys_from(environ: Mapping[str, str]) -> AuditKeys:
    """The keys of LEDGER_GUARD_AUDIT_KEY, or of the file that LEDGER_GUARD_AUDIT_KEY_FILE names; none where both are unset.

    Raises:
        BadInputError: both are set, the file can't be read, or what is there is no key.
            An unreadable key is never taken for none.
    """
    text, path = environ.get(KEY_VARIABLE, ""), environ.get(FILE_VARIABLE, "")
    if text and path:
        raise BadInputError(f"{KEY_VARIABLE} and {FILE_VARIABLE} are both set; allowed: one of them")
    if path:
        try:
            return parse_audit_keys(Path(path).read_text(encoding="utf-8"), FILE_VARIABLE)
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(
                f"{FILE_VARIABLE}: {path} can't be read ({type(error).__name__}); allowed: a text file"
            ) from error
    return parse_audit_keys(text, KEY_VARIABLE) if text else NO_KEYS
