"""Identifiers from people: checked once, at the edge, and never normalised."""

from __future__ import annotations

import re
import uuid

from ledger_guard.domain.errors import BadInputError

TENANT_ID_MAX_CHARACTERS = 128
_TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked_tenant_id(candidate: object) -> str:
    """Return `candidate` unchanged when it can name one tenant.

    Tenant ids are UUID texts or slugs. An empty id means *all tenants* to the platform's own script and a `%` is a
    pattern in SQL, so neither is accepted.

    Raises:
        BadInputError: the id is not a text, empty, longer than 128 characters, or has other characters than letters,
            digits, `.`, `_` and `-`. Ask for the id again.
    """
    allowed = "1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    if not isinstance(candidate, str):
        raise BadInputError(f"tenant id: {candidate!r} is not a text; allowed: {allowed}")
    if not candidate:
        raise BadInputError(f"tenant id: is empty; allowed: {allowed}")
    if len(candidate) > TENANT_ID_MAX_CHARACTERS:
        raise BadInputError(f"tenant id: has {len(candidate)} characters; allowed: {allowed}")
    if not _TENANT_ID.fullmatch(candidate):
        raise BadInputError(f"tenant id: {candidate!r} has characters that are not allowed; allowed: {allowed}")
    return candidate


def checked_uuid(candidate: object, what: str) -> str:
    """Return the canonical text of a UUID that names `what` (a plan, an incident).

    Raises:
        BadInputError: it is not a UUID. Take the id from the command or page that showed it.
    """
    try:
        return str(uuid.UUID(str(candidate)))
    except ValueError as error:
        raise BadInputError(
            f"{what}: {str(candidate)[:60]!r} is not an id; allowed: a UUID as printed by this program"
        ) from error


def new_id() -> str:
    """A fresh random identifier (UUID text)."""
    return str(uuid.uuid4())
