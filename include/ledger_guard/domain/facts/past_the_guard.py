"""Facts about flags that somebody changed past the guard, and about what people were told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ledger_guard.domain.facts.codec import Fact, Later, Moment
from ledger_guard.domain.flag_values import FlagValue

_VERBS = ("watch_flags",)


@dataclass(frozen=True, kw_only=True)
class FlagValuesSeen(Fact):
    """A flag's values when the guard first compared them: later ones are held against these."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["seen"]
    #: by scope: a tenant, or `*`; what has no value is left out
    values: Mapping[str, FlagValue]


@dataclass(frozen=True, kw_only=True)
class ChangedPastTheGuard(Fact):
    """A flag's store holds another value than the guard's record, and no write of the guard explains it."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["changed"]
    #: scopes that changed alike
    scopes: tuple[str, ...]
    from_value: FlagValue
    to_value: FlagValue
    #: whether it left the flag's safe value
    enables: bool
    #: by the store's own account, which proves nothing; absent where the store does not know
    changed_by: Later[str] = None
    changed_at: Later[Moment] = None
    #: why the new value is not known
    why: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class FlagChangesTold(Fact):
    """People were told of changes past the guard."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["told"]
    #: numbers of the audit entries that record them
    changes: tuple[int, ...]
    #: told as enabled during a freeze
    is_alarm: bool


@dataclass(frozen=True, kw_only=True)
class FreezeBreachEnded(Fact):
    """A flag that was enabled during a freeze no longer is, or it is on record now; people were told."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["ended"]
    change: int
    how: str


@dataclass(frozen=True, kw_only=True)
class FlagNotRead(Fact):
    """A flag's store did not answer, or what it holds determines no value: nothing could be compared."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["not_read"]
    why: str


@dataclass(frozen=True, kw_only=True)
class FlagReadAgain(Fact):
    """A flag's store could be read again."""

    verbs: ClassVar[tuple[str, ...]] = _VERBS
    stage: Literal["read_again"]
