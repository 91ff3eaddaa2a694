"""Flags that were enabled past the guard while they were frozen, and still are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.flag_record import FlagRecord, NoticedChange
from ledger_guard.domain.flag_values import FlagValue
from ledger_guard.domain.flags import EVERYWHERE, Freeze, scope_words
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.shown_text import listed
from ledger_guard.domain.windows import iso

_SCOPES_SHOWN = 5


@dataclass(frozen=True)
class FreezeBreach:
    """One change past the guard that enabled a frozen flag."""

    flag: str
    change: NoticedChange
    #: scopes of the change that still are not at the safe value
    scopes: tuple[str, ...]
    #: the freezes that forbid it, oldest first
    freezes: tuple[Freeze, ...]

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.in_words(_SCOPES_SHOWN)}."

    def in_words(self, at_most: int) -> str:
        """What happened, where, and when it was noticed; at most so many tenants are named."""
        is_known = self.change.fact.to_value is not FlagValue.NOT_KNOWN
        what = "was enabled past the guard" if is_known else "is no longer known to be safe"
        where, since = scopes_in_words(self.scopes, at_most), iso(self.change.noticed_at)
        return f"{self.flag} {what} for {where} during a freeze, noticed {since}"


def breaches_of(
    record: FlagRecord, freezes: Sequence[Freeze], overrides: Sequence[FreezeOverride], now: datetime
) -> list[FreezeBreach]:
    """Breaches that last, oldest first: not at the safe value, still frozen, no override in force, no restore on record.

    Whether the freeze or the change came first is decided by the log's order, which no clock changes.
    """
    found: dict[int, list[str]] = {}
    broken: dict[int, dict[str, Freeze]] = {}
    for scope, number in sorted(record.enabled.items()):
        if record.effective(scope).is_safe(record.safe_value) or _is_overridden(overrides, record.flag, scope, now):
            continue
        covering = [each for each in freezes if each.covers(record.flag, scope)]
        earlier = [each for each in covering if record.frozen.get(each.freeze_id, 0) < number]
        if earlier:
            found.setdefault(number, []).append(scope)
            broken.setdefault(number, {}).update({each.freeze_id: each for each in earlier})
    return [
        FreezeBreach(record.flag, record.changes[number], tuple(scopes), tuple(broken[number].values()))
        for number, scopes in sorted(found.items())
    ]


def scopes_in_words(scopes: Sequence[str], at_most: int) -> str:
    """`everyone`, `tenant a`, `tenants a, b and 3 more`."""
    if len(scopes) == 1:
        return scope_words(scopes[0])
    tenants = [scope for scope in scopes if scope != EVERYWHERE]
    words = f"tenants {listed(tenants, at_most)}" if len(tenants) > 1 else scope_words(tenants[0])
    return f"everyone and {words}" if len(tenants) < len(scopes) else words


def _is_overridden(overrides: Sequence[FreezeOverride], flag: str, scope: str, now: datetime) -> bool:
    return any(each.is_in_force(flag, scope, now) for each in overrides)
