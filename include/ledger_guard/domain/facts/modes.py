"""Facts about the modes of the policy's matrix rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.codec import Fact
from ledger_guard.domain.modes import Mode


@dataclass(frozen=True, kw_only=True)
class ModesSeen(Fact):
    """The policy's modes, by row, when they were new or changed."""

    verbs: ClassVar[tuple[str, ...]] = ("see_modes",)
    modes: Mapping[str, Mode]
    policy_hash: str


@dataclass(frozen=True, kw_only=True)
class ModeChanged(Fact):
    """A row's mode was changed."""

    row: str
    was: Mode
    to: Mode
    reason: str
    #: whether a login proved who it was; otherwise the name was stated on a command line
    is_proved: bool


@dataclass(frozen=True, kw_only=True)
class ModeLowered(ModeChanged):
    """A person, or the guard itself, lowered a row's mode."""

    verbs: ClassVar[tuple[str, ...]] = ("lower_mode",)
    #: lowered by the guard, because of an undo or a false alarm
    is_by_guard: bool = False


@dataclass(frozen=True, kw_only=True)
class ModeRaised(ModeChanged):
    """A person raised a row's mode."""

    verbs: ClassVar[tuple[str, ...]] = ("raise_mode",)


@dataclass(frozen=True, kw_only=True)
class HeldInShadow(Fact):
    """An action that a row in shadow would have taken."""

    verbs: ClassVar[tuple[str, ...]] = ("shadow",)
    row: str
    action: str
    target: str
