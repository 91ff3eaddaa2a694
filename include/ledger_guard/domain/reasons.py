"""A reason that a person gives: long enough to say something, short enough to be read in a notice."""

from __future__ import annotations

from ledger_guard.domain.errors import BadInputError

REASON_MINIMUM_CHARACTERS = 10
#: every message and page repeats it; more belongs in a ticket that it names
REASON_MAXIMUM_CHARACTERS = 2_000


def checked_reason(what: str, reason: str) -> str:
    """Return the reason without blanks around it. `what` begins the error: `stop: the reason`.

    Raises:
        BadInputError: less than 10 or more than 2000 characters.
    """
    why = reason.strip()
    allowed = f"at least {REASON_MINIMUM_CHARACTERS}, at most {REASON_MAXIMUM_CHARACTERS}"
    # invisible characters tell nobody anything
    seen = sum(sign.isprintable() for sign in why)
    counted = seen if seen < REASON_MINIMUM_CHARACTERS else len(why)
    if not REASON_MINIMUM_CHARACTERS <= counted <= REASON_MAXIMUM_CHARACTERS:
        raise BadInputError(f"{what} has {counted} characters; allowed: {allowed}")
    return why
