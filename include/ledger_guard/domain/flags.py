"""Flags, changes of flags, and freezes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

#: means "every tenant" as a flag's scope
EVERYWHERE = "*"


def scope_words(tenant_id: str) -> str:
    """For people: `everyone`, or the tenant."""
    return "everyone" if tenant_id == EVERYWHERE else f"tenant {tenant_id}"


def scope_text(tenant_id: str) -> str:
    """A tenant id, or `everywhere` for the global scope."""
    return "everywhere" if tenant_id == EVERYWHERE else tenant_id


def on_or_off(is_enabled: bool | None, unknown: str = "not set") -> str:
    """A flag's value in a word."""
    return unknown if is_enabled is None else "on" if is_enabled else "off"


@dataclass(frozen=True)
class FlagState:
    """What a flag store says about one flag in one scope."""

    flag: str
    #: a tenant id, or `*` for the global value
    tenant_id: str
    #: None when the store has no value of its own for this scope
    is_enabled: bool | None
    #: the store's version of this row; compare-and-set refuses an older one
    version: int = 0
    #: the reason stored with the value; identifies the write, and is not part of the value
    change_reason: str = field(default="", compare=False)
    #: why the store does not know the platform's value while `is_enabled` is None; empty when no value means off
    not_known_because: str = field(default="", compare=False)
    #: who changed it last, by the store's own account, which proves nothing; empty where the store does not know
    changed_by: str = field(default="", compare=False)
    #: when, by the store's own clock; None where the store does not know
    changed_at: datetime | None = field(default=None, compare=False)

    @property
    def subject_id(self) -> str:
        """`flag@scope`, as approvals name it."""
        return f"{self.flag}@{self.tenant_id}"

    def described(self) -> str:
        """For people: `on (version 3)`, `not set`, or `not known (why)`."""
        if self.is_enabled is None:
            return f"not known ({self.not_known_because})" if self.not_known_because else "not set"
        return f"{on_or_off(self.is_enabled)} (version {self.version})"


def flag_subject_hash(seen: Sequence[FlagState], target: bool, incident_id: str | None, evidence: Sequence[str]) -> str:
    """Hash of what an approver of a flag change approves.

    It covers every scope read with its value and version, the target value, the incident, and the evidence (the incident's
    severity and scope; for a restore the root cause and its proofs).
    """
    scopes = sorted([state.flag, state.tenant_id, state.is_enabled, state.version] for state in seen)
    content = [scopes, target, incident_id, list(evidence)]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def effective_value(seen: Sequence[FlagState], tenant_id: str) -> bool | None:
    """The platform's value in this scope: its own value, else the global one, else False.

    None where neither is set and the store does not know the platform's default.
    """
    states = {state.tenant_id: state for state in seen}
    for scope in (tenant_id, EVERYWHERE):
        state = states.get(scope)
        if state is not None and state.is_enabled is not None:
            return state.is_enabled
    return None if any(state.not_known_because for state in seen) else False


def scopes_to_turn(seen: Sequence[FlagState], tenant_id: str, target: bool, *, overrides_too: bool) -> tuple[FlagState, ...]:
    """The scopes that must be written for `target` to hold in the scope `tenant_id`; empty when it holds already.

    A value that is not known does not hold.
    `overrides_too` makes a global change reach tenants that have another value of their own as well.
    """
    turned = [state for state in seen if state.tenant_id == tenant_id and effective_value(seen, tenant_id) is not target]
    if overrides_too and tenant_id == EVERYWHERE:
        turned += [state for state in seen if state.tenant_id != EVERYWHERE and state.is_enabled is (not target)]
    return tuple(turned)


class ChangeStatus(str, Enum):
    """What is known about a change after its write."""

    #: written; not checked yet
    APPLIED = "applied"
    #: every configured instance serves it, and the canary shows the effect
    CONFIRMED = "confirmed"
    #: the store holds it; the policy names no further check
    UNCONFIRMED = "unconfirmed"
    #: the store, an instance or the canary shows otherwise, or did not answer in time
    NOT_IN_EFFECT = "not_in_effect"


@dataclass(frozen=True)
class FlagChange:
    """One write to a flag store."""

    change_id: str
    flag: str
    tenant_id: str
    from_value: bool | None
    to_value: bool
    incident_id: str | None
    approval_id: str
    requested_by: str
    approved_by: str
    reason: str
    changed_at: datetime
    status: ChangeStatus = ChangeStatus.APPLIED
    confirmed_at: datetime | None = None
    #: the finding behind the status, for people
    finding: str = ""


@dataclass(frozen=True)
class ProbeFinding:
    """The result of one check of a change: an instance asked, or a canary sent."""

    #: whether it shows the wanted value in effect
    is_in_effect: bool
    #: a sentence for people; never a secret
    words: str
    #: False when the platform rejected the form of the request, or it could not be made: proves nothing about the flag
    is_usable: bool = True


@dataclass(frozen=True)
class ProbeLook:
    """The value shown by one check of the platform."""

    #: the value that it shows; None when it shows neither
    shows: bool | None
    #: a sentence for people; never a secret
    words: str
    #: as in `ProbeFinding`
    is_usable: bool = True

    def finding(self, wanted: bool) -> ProbeFinding:
        """The same, compared with the wanted value."""
        return ProbeFinding(is_in_effect=self.shows is wanted, words=self.words, is_usable=self.is_usable)


@dataclass(frozen=True)
class Freeze:
    """While it is active, the flag may not be enabled for anything new in its scope."""

    freeze_id: str
    flag: str
    #: a tenant id, or `*`
    tenant_id: str
    reason: str
    opened_by: str
    opened_at: datetime
    incident_id: str | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    root_cause: str | None = None
    root_cause_link: str | None = None
    #: who makes sure that the root cause stays fixed
    root_cause_owner: str | None = None
    #: who wrote the root cause; never the person who lifted the freeze
    root_cause_by: str | None = None
    #: why it is active although its row says otherwise; not stored
    doubt: str = field(default="", compare=False)

    @property
    def stands(self) -> bool:
        """True until lifted with a root cause."""
        return self.lifted_at is None

    def covers(self, flag: str, tenant_id: str) -> bool:
        """Whether enabling `flag` in the scope `tenant_id` is forbidden by this freeze."""
        return self.stands and self.flag == flag and (EVERYWHERE in (self.tenant_id, tenant_id) or self.tenant_id == tenant_id)


@dataclass(frozen=True)
class RotationPlan:
    """A plan to rotate a webhook secret together with the payment provider."""

    rotation_id: str
    provider: str
    secret_name: str
    incident_id: str | None
    owner: str
    steps: tuple[str, ...]
    planned_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None
    #: how long after it is done the old secret stays valid; no other rotation of it may begin meanwhile
    overlap_hours: int = 0

    @property
    def overlap_ends_at(self) -> datetime | None:
        """When the old secret stops being valid; None until the rotation is done."""
        return None if self.done_at is None else self.done_at + timedelta(hours=self.overlap_hours)
