"""Facts about stored readings, sent notices, deploys and the audit key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.codec import Fact, Seconds


@dataclass(frozen=True, kw_only=True)
class WindowsSensed(Fact):
    """Readings of a trigger were stored."""

    verbs: ClassVar[tuple[str, ...]] = ("sense",)
    trigger: str
    windows: int
    #: number of these that could not be read
    no_data: int
    #: windows that late data changed
    revised: int
    sensed_through: Seconds | None


@dataclass(frozen=True, kw_only=True)
class PartitionDropped(Fact):
    """A slice of time of a table was dropped: the policy keeps it no longer."""

    verbs: ClassVar[tuple[str, ...]] = ("keep_storage",)
    table: str
    partition: str
    starts: Seconds
    ends: Seconds
    #: with its indexes, when it was listed
    size_bytes: int
    kept_days: int
    policy_hash: str


@dataclass(frozen=True, kw_only=True)
class FileIngested(Fact):
    """A log file was ingested."""

    verbs: ClassVar[tuple[str, ...]] = ("ingest",)
    ingest_id: str
    file: str
    sha256: str
    mapping: str
    lines: int
    accepted: int
    already_known: int
    rejected: int
    kept_rejects: int
    first_event: Seconds | None
    last_event: Seconds | None
    first_reject: str
    #: 0 in entries from before they were counted
    too_late: int = 0
    from_future: int = 0


@dataclass(frozen=True, kw_only=True)
class LogLost(Fact):
    """A followed log was gone before it was read to its end."""

    verbs: ClassVar[tuple[str, ...]] = ("ingest",)
    ingest_id: str
    file: str
    read_bytes: int
    seen_bytes: int


@dataclass(frozen=True, kw_only=True)
class SourceAdvanced(Fact):
    """A source is complete up to a time: as stated by a person, and as it is now."""

    verbs: ClassVar[tuple[str, ...]] = ("ingest",)
    stated: Seconds
    complete_through: Seconds


@dataclass(frozen=True, kw_only=True)
class NoticePosted(Fact):
    """A notice was posted."""

    verbs: ClassVar[tuple[str, ...]] = ("notify",)
    title: str
    status: str = "posted"
    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class NoticeFailed(Fact):
    """A notice could not be posted."""

    verbs: ClassVar[tuple[str, ...]] = ("notify",)
    title: str
    status: str = "failed"
    error: str


@dataclass(frozen=True, kw_only=True)
class NoticeHeld(Fact):
    """A notice was not posted: the matrix row is in shadow."""

    verbs: ClassVar[tuple[str, ...]] = ("notify",)
    title: str
    status: str = "shadow"
    summary: str


@dataclass(frozen=True, kw_only=True)
class DeployRecorded(Fact):
    """A deploy of the platform was recorded."""

    verbs: ClassVar[tuple[str, ...]] = ("record_deploy",)
    version: str
    deployed_at: Seconds


@dataclass(frozen=True, kw_only=True)
class KeyUsed(Fact):
    """A key of the audit log was added."""

    verbs: ClassVar[tuple[str, ...]] = ("use_key",)
    key_id: str
    replaces: str | None
