"""What every flag store outside the database does alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, FlagState


def content_version(*content: object) -> int:
    """A version that is another one whenever the content is another one; small enough for any JSON reader, never 0."""
    digest = hashlib.sha256(json.dumps(content).encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big")


def require_global(tenant_id: str, kind: str) -> None:
    """Raise BadInputError for a tenant's scope, in a store that has none."""
    if tenant_id != EVERYWHERE:
        raise BadInputError(
            f"flag store: {kind} has one value for everyone, none for tenant {tenant_id}; allowed: tenant id {EVERYWHERE}"
        )


def require_unchanged(seen: Sequence[FlagState], now: Sequence[FlagState]) -> None:
    """Raise SafetyRefusal where a scope no longer holds what was seen."""
    for before, after in zip(seen, now, strict=True):
        if before != after:
            raise SafetyRefusal(f"{before.subject_id}: changed meanwhile: now {after.described()}, not {before.described()}")


def moment_or_none(text: object) -> datetime | None:
    """The time in a text with its zone; None for anything else, which tells no one when a flag was changed."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
