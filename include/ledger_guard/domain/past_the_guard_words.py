"""A change past the guard, for people."""

from __future__ import annotations

from ledger_guard.domain.facts.past_the_guard import ChangedPastTheGuard
from ledger_guard.domain.freeze_breaches import scopes_in_words
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.windows import iso

SCOPES_SHOWN = 5


def change_words(flag: str, fact: ChangedPastTheGuard, at_most: int = SCOPES_SHOWN) -> str:
    """`ledger_enforce_balance for everyone: off → on`, and why the value is not known where it is not."""
    why = f" ({fact.why})" if fact.why else ""
    return f"{flag} for {scopes_in_words(fact.scopes, at_most)}: {fact.from_value.value} → {fact.to_value.value}{why}"


def who_changed_it(fact: ChangedPastTheGuard) -> str:
    """Who and when by the store's own account, or that the store does not know."""
    if not fact.changed_by and fact.changed_at is None:
        return "by whom and when: the store does not know"
    who = f"by {quoted(fact.changed_by)}" if fact.changed_by else "by whom the store does not know"
    when = f"at {iso(fact.changed_at)}" if fact.changed_at else "when it does not know"
    return f"{who}, {when}, by the store's own account"
