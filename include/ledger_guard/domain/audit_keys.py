"""Keys that mark audit entries: no one with the database but without the key can forge a valid entry."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger_guard.domain.errors import BadInputError

#: a longer key gains nothing with SHA-256, a shorter one can be guessed
MINIMUM_KEY_BYTES = 32
#: rank before the first key
NO_KEY_RANK = -1

_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_FORM = f"ID:HEX, an id of letters, digits, '.', '_' and '-' and at least {2 * MINIMUM_KEY_BYTES} hexadecimal digits"


@dataclass(frozen=True)
class AuditKey:
    """One key; its secret is never printed."""

    key_id: str
    secret: bytes = field(repr=False)

    def mac(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 in hexadecimal over `text`; a mark for one purpose is not valid for another."""
        return hmac.digest(self.secret, f"ledger_guard {purpose}\n{self.key_id}\n{text}".encode(), "sha256").hex()

    def fits(self, mac: str, purpose: str, text: str) -> bool:
        """Whether `mac` was made with this key."""
        return hmac.compare_digest(self.mac(purpose, text).encode(), mac.encode())


class AuditKeys:
    """The keys of one log, oldest first: the last one marks new entries, the others verify old ones."""

    def __init__(self, keys: Iterable[AuditKey] = ()) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._ranks = {key_id: rank for rank, key_id in enumerate(self._keys)}

    def __repr__(self) -> str:
        return f"AuditKeys({', '.join(self._keys) or 'none'})"

    @property
    def newest(self) -> AuditKey | None:
        """The key that marks new entries; None: they are not marked."""
        return next(reversed(self._keys.values()), None)

    def get(self, key_id: str) -> AuditKey | None:
        """The key of this id, or None."""
        return self._keys.get(key_id)

    def rank(self, key_id: str | None) -> int:
        """A key's position, from 0; NO_KEY_RANK for no key. Raises KeyError for an unknown key."""
        return NO_KEY_RANK if key_id is None else self._ranks[key_id]

    def for_append(self, last_key_id: str | None) -> AuditKey | None:
        """The key for an entry that follows one marked with `last_key_id`.

        Raises:
            BadInputError: this process lacks that key, so its entry would break the chain. Give every component the same keys.
        """
        if last_key_id is not None and last_key_id not in self._keys:
            raise BadInputError(
                f"audit log: its entries are marked with key {last_key_id}, which this process does not have; "
                "allowed: the same LEDGER_GUARD_AUDIT_KEY or LEDGER_GUARD_AUDIT_KEY_FILE for every component"
            )
        return self.newest


NO_KEYS = AuditKeys()


def parse_audit_keys(text: str, where: str) -> AuditKeys:
    """Read keys (`2026-03:9f…`), oldest first, separated by spaces, commas or lines; `#` begins a comment line.

    Raises:
        BadInputError: not a key, too short, or a repeated id; the message names `where` and never shows a key.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    words = " ".join(lines).replace(",", " ").split()
    keys: dict[str, AuditKey] = {}
    for number, word in enumerate(words, 1):
        key_id, _, digits = word.partition(":")
        try:
            secret = bytes.fromhex(digits)
        except ValueError:
            secret = b""
        if not _KEY_ID.fullmatch(key_id) or len(secret) < MINIMUM_KEY_BYTES:
            raise BadInputError(f"{where}: key {number} of {len(words)} is not valid; allowed: {_FORM}")
        if key_id in keys:
            raise BadInputError(f"{where}: has two keys with the id {key_id}; allowed: a different id for each key, oldest first")
        keys[key_id] = AuditKey(key_id, secret)
    if not keys:
        raise BadInputError(f"{where}: holds no key; allowed: {_FORM}")
    return AuditKeys(keys.values())
