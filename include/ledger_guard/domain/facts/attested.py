"""The part of a fact that attests rows of guard state, and says whether a key marked the entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger_guard.domain.facts.codec import Fact, Later


@dataclass(frozen=True)
class AttestedRow:
    """One row that an entry attests: a digest over all of it, and a short one per column."""

    kind: str
    id: str
    digest: str
    parts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AttestingFact(Fact):
    """A fact whose entry covers rows of guard state."""

    attested: Later[tuple[AttestedRow, ...]] = None
    #: true where no key was configured, else absent
    unkeyed: Later[bool] = None
