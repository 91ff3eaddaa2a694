"""Facts about repairs after they were made: follow-ups, tenants repaired again, repairs compared again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.backfill import PlanFact
from ledger_guard.domain.facts.codec import Later, Seconds


@dataclass(frozen=True, kw_only=True)
class RepairFollowed(PlanFact):
    """The plan is for rows that moved while another one was written, in the same run: both are one repair."""

    verbs: ClassVar[tuple[str, ...]] = ("follow_up",)
    follows: str
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class RepairedAgain(PlanFact):
    """People were told that a tenant is to be repaired again."""

    verbs: ClassVar[tuple[str, ...]] = ("repaired_again",)
    #: ids of the plans that repaired it before, the oldest first
    earlier: tuple[str, ...]
    #: both repairs, a sentence each
    repairs: tuple[str, ...]
    #: what is known to have written or changed in between
    between: tuple[str, ...]
    #: how many of the plan's wallets were written before; None: not known
    wallets_again: int | None


@dataclass(frozen=True, kw_only=True)
class RepairCompared(PlanFact):
    """The players of a repair were compared again, hours after it."""

    verbs: ClassVar[tuple[str, ...]] = ("verify_again",)
    #: the ages that this comparison stands for
    hours: tuple[int, ...]
    repaired_at: Seconds
    players: int
    #: how many wallets are not right any more, and by how much
    wrong: int
    wrong_cents: int
    currency: str

    @property
    def holds(self) -> bool:
        """Whether every wallet is still right."""
        return self.wrong == 0
