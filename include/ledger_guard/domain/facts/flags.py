"""Facts about flags: freezes and their overrides, rollbacks, restores, and their reminders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ledger_guard.domain.facts.attested import AttestingFact
from ledger_guard.domain.facts.codec import Fact, Later, Moment, Seconds

_WRITES = ("roll_back", "restore")


@dataclass(frozen=True, kw_only=True)
class FlagFrozen(Fact):
    """A freeze was opened, or an active one was recorded."""

    verbs: ClassVar[tuple[str, ...]] = ("freeze",)
    freeze_id: str
    reason: str
    opened_by: Later[str] = None
    opened_at: Later[Moment] = None
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class FreezeLifted(AttestingFact):
    """A freeze was lifted; its attested row says by whom and why."""

    verbs: ClassVar[tuple[str, ...]] = ("lift",)
    flag: str
    #: a tenant, or `*`
    scope: str
    #: its row was trusted because it is older than the key
    from_before_the_key: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class OverrideGranted(AttestingFact):
    """A tenant may be enabled despite a freeze."""

    verbs: ClassVar[tuple[str, ...]] = ("override",)
    stage: Literal["granted"]
    override_id: str
    reason: str
    expires_at: Seconds
    #: ids of the freezes that it overrides
    freezes: tuple[str, ...]
    #: whether a login proved who granted it; else it does not count
    is_proved: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class OverrideEnded(Fact):
    """An override was ended before it expired."""

    verbs: ClassVar[tuple[str, ...]] = ("override",)
    stage: Literal["ended"]
    override_id: str


@dataclass(frozen=True, kw_only=True)
class FlagWriteIntended(Fact):
    """A flag is about to be written on this approval."""

    verbs: ClassVar[tuple[str, ...]] = _WRITES
    stage: Literal["intended"]
    approval_id: str
    approved_by: Later[str] = None
    is_break_glass: Later[bool] = None
    from_value: bool | None
    to_value: Later[bool] = None
    #: by scope: the value and version that it is to replace
    before: Mapping[str, tuple[bool | None, int]]
    run_id: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class FlagWriteFailed(Fact):
    """A flag was not written, or it is not known whether it was."""

    verbs: ClassVar[tuple[str, ...]] = _WRITES
    stage: Literal["refused", "failed"]
    why: str
    run_id: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class FlagWritten(Fact):
    """A flag was written, by whichever verb."""

    stage: Literal["done"]
    approval_id: Later[str] = None
    approved_by: Later[str] = None
    is_break_glass: Later[bool] = None
    to_value: Later[bool] = None
    scopes: Later[tuple[str, ...]] = None
    run_id: Later[str] = None
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class RolledBack(FlagWritten):
    """A flag was set to its safe value and frozen."""

    verbs: ClassVar[tuple[str, ...]] = ("roll_back",)
    freeze_id: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class Restored(FlagWritten):
    """A flag was enabled again."""

    verbs: ClassVar[tuple[str, ...]] = ("restore",)
    lifted_freezes: tuple[str, ...] = ()
    root_cause: Later[str] = None
    root_cause_link: Later[str] = None
    root_cause_owner: Later[str] = None
    #: ids of the overrides that it used
    overrides: Later[tuple[str, ...]] = None
    validation: Later[Mapping[str, Any]] = None
    quiet_by_attempts: Later[Mapping[str, str]] = None
    #: event time from which its signals are watched
    watched_from: Later[Seconds] = None


@dataclass(frozen=True, kw_only=True)
class RollbackReminded(Fact):
    """People were reminded that a flag is still rolled back."""

    verbs: ClassVar[tuple[str, ...]] = ("remind",)
    change_id: str
    rolled_back_at: Later[Seconds] = None


@dataclass(frozen=True, kw_only=True)
class RollbackAsked(Fact):
    """The signal rose right after a restore: a run was started that asks people for a rollback."""

    verbs: ClassVar[tuple[str, ...]] = ("watch_restored",)
    change_id: str
    action_id: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class RollbackWithheld(Fact):
    """The signal rose right after a restore, and triage advises against a rollback."""

    verbs: ClassVar[tuple[str, ...]] = ("watch_restored",)
    change_id: str
    #: why no one is asked
    withheld: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class ChangeConfirmed(Fact):
    """The effect of a flag change was checked."""

    verbs: ClassVar[tuple[str, ...]] = ("confirm",)
    change_id: str
    status: str
    finding: str
    wanted: bool
    #: the store's value of its scope; None: not known
    serves: bool | None
    disagreeing_scopes: tuple[str, ...]
