"""What may be shown of a secret: presence, fingerprint, age and problems."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.secret_forms import form_problems, is_placeholder

# A fingerprint goes to logs and channels, where anyone may try to guess the secret from it. So it is slow to compute
# (about 50 ms a guess), no longer than it takes to tell two secrets apart, never that of a secret that could be guessed,
# and, where the guard has a key of its own, worth nothing without that key.
_SCRYPT_COST = 2**14
_FINGERPRINT_BYTES = 4


@dataclass(frozen=True)
class SecretSighting:
    """Since when the guard has seen one secret under its name."""

    secret_name: str
    fingerprint: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class SecretFinding:
    """One secret, without its value."""

    provider: str
    name: str
    is_present: bool
    #: 8 hex digits; None when absent, and for a value that could be guessed from it
    fingerprint: str | None
    #: sentences about what is wrong; empty when nothing is
    problems: tuple[str, ...]
    #: sentences about what could not be checked; they prove nothing
    not_known: tuple[str, ...] = ()
    #: when the guard first saw this secret; it may be older
    seen_since: datetime | None = None
    #: False when it is set, but to what only the platform's processes know; `not_known` says why
    is_value_known: bool = True


def secret_fingerprint(name: str, value: str, key: bytes = b"") -> str:
    """What tells two secrets of one name apart without telling either; the same wherever the key is the same."""
    salt = b"\0".join((b"ledger_guard secret fingerprint", name.encode(), key))
    digest = hashlib.scrypt(value.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=_FINGERPRINT_BYTES)
    return digest.hex()


def inspect_secret(
    provider: str,
    name: str,
    value: str | None,
    placeholders: Sequence[str],
    minimum_characters: int,
    *,
    fingerprint_key: bytes = b"",
    equal_in: Sequence[str] = (),
    noticed: Sequence[str] = (),
    not_known: Sequence[str] = (),
) -> SecretFinding:
    """Judge a secret's value and forget it.

    `equal_in` are other environments that hold the same value; `noticed` is what its source saw wrong beside the value.
    """
    if value is None:
        problems = tuple(noticed) or ("is not set",)
        return SecretFinding(provider, name, is_present=False, fingerprint=None, problems=problems)
    problems = (
        *form_problems(provider, value, placeholders, minimum_characters),
        *(f"is the same as in the environment {environment}" for environment in equal_in),
        *noticed,
    )
    is_guessable = len(value.strip()) < minimum_characters or is_placeholder(value, placeholders)
    fingerprint = None if is_guessable else secret_fingerprint(name, value, fingerprint_key)
    return SecretFinding(provider, name, True, fingerprint, problems, tuple(not_known))
