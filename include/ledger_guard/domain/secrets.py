"""What may be known of a secret: whether it is there, its fingerprint, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


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
    #: first 12 hex digits of a SHA-256 over name and value; None when absent
    fingerprint: str | None
    #: sentences about what is wrong; empty when nothing is
    problems: tuple[str, ...]


def inspect_secret(
    provider: str, name: str, value: str | None, placeholders: Sequence[str], minimum_characters: int
) -> SecretFinding:
    """Judge a secret's value and forget it."""
    if value is None:
        return SecretFinding(provider, name, is_present=False, fingerprint=None, problems=("is not set",))
    problems = []
    if not value.strip():
        problems.append("is empty: the platform refuses to start with an empty value")
    elif value != value.strip():
        problems.append("has spaces around it: the platform refuses to start with a padded value")
    if value.strip().lower() in {placeholder.lower() for placeholder in placeholders}:
        problems.append("is a placeholder that ships with the platform")
    elif value.strip() and len(value.strip()) < minimum_characters:
        problems.append(f"is shorter than {minimum_characters} characters")
    fingerprint = hashlib.sha256(f"{name}\0{value}".encode()).hexdigest()[:12]
    return SecretFinding(provider, name, is_present=True, fingerprint=fingerprint, problems=tuple(problems))
