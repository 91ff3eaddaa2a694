"""Modes: how far a row of the policy's matrix may go by itself, and a row's name in plain words."""

from __future__ import annotations

from enum import Enum

from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity

#: a row's scope when it decides both
ANY = "any"


class Mode(str, Enum):
    """How far a row may go by itself. `shadow` is the lowest, `act` the highest."""

    #: record what would have been done; ask and notify no one
    SHADOW = "shadow"
    #: every write needs a human's approval
    PROPOSE = "propose"
    #: write what is within guardrails and budget
    ACT = "act"

    def is_below(self, other: Mode) -> bool:
        """Whether it permits less; the words themselves would compare by alphabet."""
        return _ORDER.index(self) < _ORDER.index(other)


_ORDER = (Mode.SHADOW, Mode.PROPOSE, Mode.ACT)


def lowest(*modes: Mode) -> Mode:
    """The one that permits least."""
    return min(modes, key=_ORDER.index)


def row_name(trigger: Trigger, severity: Severity, scope: str) -> str:
    """A matrix row in plain words: `T1 severe isolated`; without a scope where it decides both."""
    return " ".join((trigger.value, severity.value, *((scope,) if scope != ANY else ())))


def cases_of(row: str) -> tuple[str, ...]:
    """The cases that a row decides: a case has a scope, and a row without one decides both.

    Modes are kept by case, so that a row that the policy splits or joins keeps what is on record.
    """
    scopes = tuple(scope.value for scope in Scope)
    return (row,) if row.endswith(scopes) else tuple(f"{row} {scope}" for scope in scopes)
