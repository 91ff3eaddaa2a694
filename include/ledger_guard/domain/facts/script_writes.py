"""Facts about what the platform's own script takes of the budgets; its runs themselves are in facts/backfill.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ledger_guard.domain.facts.codec import Fact, Later, Moment


@dataclass(frozen=True, kw_only=True)
class ScriptWriteBegun(Fact):
    """The script was about to be started for a plan: so much is reserved while it runs, at the longest until a moment."""

    verbs: ClassVar[tuple[str, ...]] = ("script_writes",)
    plan_id: str
    rows: int
    cents: int
    until: Moment
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class ScriptWriteEnded(Fact):
    """The script ended: so much it wrote. Where that is not known, what was reserved counts as written."""

    verbs: ClassVar[tuple[str, ...]] = ("script_writes",)
    plan_id: str
    is_known: bool
    written_rows: int
    written_cents: int
    ended: Literal[True] = True
    unkeyed: Later[bool] = None
