"""Attestation: an audit entry with the key's mark covers a deciding row of guard state, column by column.

Someone who can write guard state but lacks the key can insert or edit rows, but can't make the marked entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from ledger_guard.domain.approvals import Approval, ApprovalAnswer, ApprovalRequest
from ledger_guard.domain.audit import AuditEntry, content_fault, mark_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.attested import AttestedRow, AttestingFact
from ledger_guard.domain.facts.codec import parsed
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.windows import UTC

#: the note on a write when no key is configured
UNKEYED_WORD = "unkeyed (no audit key is set)"
#: the same for people who can set one
UNKEYED_WORDS = "unkeyed: no audit key is set, so anyone who can write guard state can make the guard write"
#: short digest of each part, to name the one that differs; the digest over all of them decides
_PART_DIGITS = 16
#: columns of a freeze's row about its lifting
LIFT_COLUMNS = ("lifted_at", "lifted_by", "root_cause", "root_cause_link", "root_cause_owner", "root_cause_by")


class AttestedKind(str, Enum):
    """What can be attested."""

    PLAN = "plan"
    QUESTION = "question"
    ANSWER = "answer"
    LIFT = "lift"
    OVERRIDE = "override"


#: by kind: the verbs of entries that may attest it, and what to do where none does
_VERBS: Mapping[AttestedKind, tuple[str, ...]] = {
    AttestedKind.PLAN: ("dry_run",),
    AttestedKind.QUESTION: ("request_approval", "break_glass"),
    AttestedKind.ANSWER: ("record_answer", "break_glass"),
    AttestedKind.LIFT: ("lift",),
    AttestedKind.OVERRIDE: ("override",),
}
_REMEDIES: Mapping[AttestedKind, str] = {
    AttestedKind.PLAN: "make a new dry-run",
    AttestedKind.QUESTION: "ask again",
    AttestedKind.ANSWER: "ask again",
    AttestedKind.LIFT: "lift it with its root cause, by a restore",
    AttestedKind.OVERRIDE: "grant it again",
}


@dataclass(frozen=True)
class Attested:
    """A row, or the part of it written in one act, with every deciding column."""

    kind: AttestedKind
    item_id: str
    #: the subject of the audit entry that attests it
    subject: str
    parts: Mapping[str, Any]

    @property
    def part_digests(self) -> dict[str, str]:
        """A short digest per column."""
        return {name: _digest(value)[:_PART_DIGITS] for name, value in self.parts.items()}

    @property
    def digest(self) -> str:
        """SHA-256 over kind, id and every column."""
        return _digest([self.kind, self.item_id, self.parts])

    @property
    def row(self) -> AttestedRow:
        """What an entry records of it."""
        return AttestedRow(self.kind.value, self.item_id, self.digest, self.part_digests)


class AttestingLog(Protocol):
    """The part of the audit log that attests."""

    @property
    def keys(self) -> AuditKeys:
        """The keys that this process has."""

    def about(self, subject: str, verbs: Collection[str]) -> Sequence[AuditEntry]:
        """Entries of a subject with one of these verbs, in order."""


def plan_attested(plan: Plan) -> Attested:
    """A plan without its progress; its rows are covered by the hash."""
    columns = _columns(plan, without=("rows", "status"))
    return Attested(AttestedKind.PLAN, plan.plan_id, f"plan:{plan.plan_id}", columns)


def question_attested(request: ApprovalRequest) -> Attested:
    """A question."""
    return Attested(AttestedKind.QUESTION, request.approval_id, f"approval:{request.approval_id}", _columns(request))


def answer_attested(answer: ApprovalAnswer) -> Attested:
    """An answer."""
    return Attested(AttestedKind.ANSWER, answer.approval_id, f"approval:{answer.approval_id}", _columns(answer))


def lift_attested(freeze: Freeze) -> Attested:
    """The lifting of a freeze; its opening is recorded completely in its entry."""
    columns = {name: getattr(freeze, name) for name in LIFT_COLUMNS}
    return Attested(AttestedKind.LIFT, freeze.freeze_id, f"freeze:{freeze.freeze_id}", columns)


def override_attested(override: FreezeOverride) -> Attested:
    """The granting of an override."""
    columns = _columns(override, without=("ended_at", "ended_by"))
    return Attested(AttestedKind.OVERRIDE, override.override_id, f"flag:{override.flag}@{override.tenant_id}", columns)


def is_marked(entry: AuditEntry, keys: AuditKeys) -> bool:
    """Whether the entry's content matches its hash, and a key its mark."""
    return entry.key_id is not None and content_fault(entry) is None and mark_fault(entry, None, keys) is None


def attestation_fault(log: AttestingLog, attested: Attested) -> str | None:
    """Why the row differs from the one attested by a marked entry, and what to do; None when it does not, or without a key."""
    if log.keys.newest is None:
        return None
    entries = [entry for entry in log.about(attested.subject, _VERBS[attested.kind]) if is_marked(entry, log.keys)]
    found = [(entry, each) for entry in entries for each in _attested_in(entry) if _is_of(each, attested)]
    what, remedy = f"{attested.kind.value} {attested.item_id}", _REMEDIES[attested.kind]
    if not found:
        earlier = [entry.sequence for entry in entries if not _attested_in(entry) and _names(entry, attested)]
        if earlier:
            return f"{what}: audit entry {earlier[-1]} is from an older version and does not cover the whole row; {remedy}"
        return f"{what}: no audit entry marked with the key covers it: the guard did not write it; {remedy}"
    entry, covered = found[-1]
    if covered.digest == attested.digest:
        return None
    parts = attested.part_digests
    differing = sorted(name for name in parts.keys() | covered.parts.keys() if parts.get(name) != covered.parts.get(name))
    return f"{what}: {', '.join(differing)} differs from audit entry {entry.sequence}: the row was edited since; {remedy}"


def require_attested(log: AttestingLog, attested: Attested) -> None:
    """Raise SafetyRefusal, naming the row and the columns that differ, unless a marked entry attests the row as it is."""
    fault = attestation_fault(log, attested)
    if fault is not None:
        raise SafetyRefusal(fault)


def approval_faults(log: AttestingLog, approvals: Iterable[Approval]) -> list[str]:
    """Why these questions and answers differ from those attested by marked entries; empty when they do not.

    A question that the gate has asked again since is void, whatever its row says.
    """
    found: list[str | None] = []
    for approval in approvals:
        question = question_attested(approval.request)
        found.append(attestation_fault(log, question))
        if approval.answer is not None:
            found.append(attestation_fault(log, answer_attested(approval.answer)))
        if log.keys.newest is not None and log.about(question.subject, ("void_approval",)):
            found.append(f"question {question.item_id}: the gate has asked again since; answer the newer question")
    return [fault for fault in found if fault is not None]


def is_unkeyed(log: AttestingLog) -> bool | None:
    """What a write's audit entry says about the key: true, or nothing with a key."""
    return True if log.keys.newest is None else None


def _attested_in(entry: AuditEntry) -> Sequence[AttestedRow]:
    """Rows that an entry covers; none if it is from an older version."""
    found = parsed(entry.event.detail, AttestingFact)
    return found.attested or () if found else ()


def _is_of(found: AttestedRow, attested: Attested) -> bool:
    return (found.kind, found.id) == (attested.kind.value, attested.item_id)


def _names(entry: AuditEntry, attested: Attested) -> bool:
    detail = entry.event.detail
    return entry.event.subject.endswith(f":{attested.item_id}") or detail.get("override_id") == attested.item_id


def _columns(row: Any, without: Collection[str] = ()) -> dict[str, Any]:
    found = {each.name: getattr(row, each.name) for each in fields(row) if each.name not in without}
    if found.get("incident_id"):
        # a database returns an id in its canonical spelling
        found["incident_id"] = checked_uuid(found["incident_id"], "incident")
    return found


def _digest(value: Any) -> str:
    text = json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return dict(value)
    return asdict(value)
