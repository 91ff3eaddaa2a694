"""What may be known of a secret: whether it is there, its fingerprint, its age, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# A fingerprint goes to logs and channels, where anybody may try to guess the secret from it. So it is dear to compute
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
    #: sentences about what could not be looked at; nothing may be concluded from them
    not_known: tuple[str, ...] = ()
    #: the guard saw this very secret first at this moment; it may be older
    seen_since: datetime | None = None


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
    not_known: Sequence[str] = (),
) -> SecretFinding:
    """Judge a secret's value and forget it; `equal_in` are other environments that hold the same value."""
    if value is None:
        return SecretFinding(provider, name, is_present=False, fingerprint=None, problems=("is not set",))
    problems = []
    if not value.strip():
        problems.append("is empty: the platform refuses to start with an empty value")
    elif value != value.strip():
        problems.append("has spaces around it: the platform refuses to start with a padded value")
    is_guessable = len(value.strip()) < minimum_characters
    if value.strip().lower() in {placeholder.lower() for placeholder in placeholders}:
        is_guessable = True
        problems.append("is a placeholder that ships with the platform")
    elif value.strip() and is_guessable:
        problems.append(f"is shorter than {minimum_characters} characters")
    problems += [f"is the same as in the environment {environment}" for environment in equal_in]
    fingerprint = None if is_guessable else secret_fingerprint(name, value, fingerprint_key)
    return SecretFinding(provider, name, True, fingerprint, tuple(problems), tuple(not_known))
