"""Facts about questions to people and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.attested import AttestingFact
from ledger_guard.domain.facts.codec import Fact, Later, Moment


@dataclass(frozen=True, kw_only=True)
class ApprovalRequested(AttestingFact):
    """People were asked."""

    verbs: ClassVar[tuple[str, ...]] = ("request_approval",)
    kind: str
    subject_id: str
    subject_hash: str
    approvers: tuple[str, ...]
    approvers_needed: int
    #: which of the questions that the policy needs
    ordinal: int
    #: the incident's state then, in words
    incident_state: str
    expires_at: Moment
    run_id: str
    proposal: str


@dataclass(frozen=True, kw_only=True)
class ApprovalVoided(Fact):
    """The gate asked again, so the older question is void."""

    verbs: ClassVar[tuple[str, ...]] = ("void_approval",)
    asked_again_as: str
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class ApprovalWithdrawn(Fact):
    """A question was closed because its run has ended."""

    verbs: ClassVar[tuple[str, ...]] = ("withdraw_approval",)
    kind: str
    subject_id: str
    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ApprovalEscalated(Fact):
    """A reminder of an unanswered question was sent."""

    verbs: ClassVar[tuple[str, ...]] = ("escalate",)
    kind: str
    subject_id: str
    approvers: tuple[str, ...]
    expires_at: Moment


@dataclass(frozen=True, kw_only=True)
class ApprovalAnswered(AttestingFact):
    """A question was answered or expired."""

    verbs: ClassVar[tuple[str, ...]] = ("record_answer",)
    kind: str
    subject_id: str
    answer: str
    answered_at: Moment
    reason: str
    #: why the answer permits nothing; empty when it does
    refusals: tuple[str, ...]
    ordinal: int
    #: approvers by whose right a deputy answered
    instead_of: Later[tuple[str, ...]] = None
    #: why the person was not identified
    answered_by_unknown: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class ApprovalVerified(Fact):
    """The recorded answers were checked against the intended write."""

    verbs: ClassVar[tuple[str, ...]] = ("verify_approval",)
    kind: str
    subject_id: str
    permitted: bool
    refusals: tuple[str, ...]
    run_id: str | None


@dataclass(frozen=True, kw_only=True)
class GlassBroken(AttestingFact):
    """Someone acted alone, or was refused."""

    verbs: ClassVar[tuple[str, ...]] = ("break_glass",)
    kind: str
    subject_id: str
    subject_hash: str
    reason: str
    run_id: str
    proposal: str
    #: why it was refused; empty when it was not
    refused: str
