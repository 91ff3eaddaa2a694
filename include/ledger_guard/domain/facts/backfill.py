"""Facts about backfills: orders, refusals, batches, the platform's script, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Literal

from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.facts.attested import AttestingFact
from ledger_guard.domain.facts.codec import Fact, Later, Moment, recorded, told
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.pacing import Wanted
from ledger_guard.domain.plans import BackfillMode, Plan, PlanStatus


@dataclass(frozen=True, kw_only=True)
class PlanFact(Fact):
    """Something about one plan, by its hash."""

    plan_hash: Later[str] = None


def about_plan(plan: Plan, fact: PlanFact, *, actor: str, at: datetime, verb: str | None = None) -> AuditEvent:
    """The event of a fact about this plan; `verb` as in `recorded`."""
    return recorded(
        replace(fact, plan_hash=plan.plan_hash),
        actor=actor,
        subject=f"plan:{plan.plan_id}",
        at=at,
        incident_id=plan.incident_id,
        tenant_id=plan.tenant_id,
        verb=verb,
    )


@dataclass(frozen=True, kw_only=True)
class PlanMade(PlanFact, AttestingFact):
    """A dry-run stored a plan."""

    verbs: ClassVar[tuple[str, ...]] = ("dry_run",)
    mode: BackfillMode
    #: rows by cause, and cents by planned change
    counts: Mapping[str, int]
    cents: Mapping[str, int]
    players: int
    guardrails_exceeded: tuple[str, ...]
    flag_state: Mapping[str, bool | None]
    policy_hash: str
    expires_at: Moment
    #: a digest of each part of the policy that the plan is bound to; `policy_hash` is the hash over them
    policy_parts: Later[Mapping[str, str]] = None


@dataclass(frozen=True, kw_only=True)
class PlanReviewed(PlanFact):
    """A plan was checked against the guardrails."""

    verbs: ClassVar[tuple[str, ...]] = ("review",)
    is_empty: bool
    needs_approval: bool
    why: tuple[str, ...]
    #: the matrix row of the plan's incident, and its mode
    row: Later[str] = None
    mode: Later[Mode] = None
    #: whether nothing but the mode lets a human decide
    is_held_by_mode: Later[bool] = None
    #: what force would write
    rows: Later[int] = None
    cents: Later[int] = None


@dataclass(frozen=True, kw_only=True)
class WriteRefused(PlanFact):
    """An attempt to write wallets was refused; nothing was written."""

    verbs: ClassVar[tuple[str, ...]] = ("force", "undo", "run_script")
    refused: str


@dataclass(frozen=True, kw_only=True)
class BackfillOrdered(PlanFact):
    """A running backfill was ordered to pause, end or continue; older versions recorded this under `force`."""

    verbs: ClassVar[tuple[str, ...]] = ("steer", "force")
    wanted: Wanted
    reason: str


@dataclass(frozen=True, kw_only=True)
class BatchAnnounced(PlanFact):
    """A batch is about to be written to a database of its own."""

    verbs: ClassVar[tuple[str, ...]] = ("force", "undo")
    #: how many writes
    announced: int
    #: digest over their before-images
    images: str
    #: the platform's transaction that is to make them
    transaction: str


@dataclass(frozen=True, kw_only=True)
class _RowsSettled(PlanFact):
    """How many rows a force or an undo wrote, and how many it left alone."""

    applied: Later[int] = None
    drifted: Later[int] = None
    restored: Later[int] = None
    kept: Later[int] = None


@dataclass(frozen=True, kw_only=True)
class BatchWritten(_RowsSettled):
    """A batch is settled."""

    verbs: ClassVar[tuple[str, ...]] = ("force", "undo")
    after_player_id: str
    last_player_id: str
    #: digest over the before-images; absent in entries that did not cover them
    images: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class PlanAdvanced(_RowsSettled):
    """A force or an undo began, or ended with these rows."""

    verbs: ClassVar[tuple[str, ...]] = ("force", "undo")
    status: PlanStatus
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class TenantCompared(Fact):
    """A tenant's wallets were compared with the evidence."""

    verbs: ClassVar[tuple[str, ...]] = ("verify",)
    #: rows by cause
    counts: Mapping[str, int]
    players: int
    is_clean: bool
    remaining: tuple[str, ...]
    #: rows that the plan wrote and that are wrong again
    wrong_again: Later[int] = None


@dataclass(frozen=True, kw_only=True)
class PlayerGroup:
    """How many players, and the first of them."""

    players: int
    some: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScriptRun:
    """One process: command line, end, exit code, milliseconds and its last lines."""

    command: tuple[str, ...]
    end: str
    exit_code: int | None
    milliseconds: int
    output: tuple[str, ...]
    lines_dropped: int = 0


@dataclass(frozen=True, kw_only=True)
class ScriptOutcome:
    """What the platform's script did, by comparing before and after."""

    plan_id: str
    tenant_id: str
    is_done: bool
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    #: by group of wallets
    changes: Mapping[str, PlayerGroup]
    other_tenants_changed: int | None = None
    dry_run: ScriptRun | None = None
    run: ScriptRun | None = None


@dataclass(frozen=True, kw_only=True)
class ScriptStep(PlanFact):
    """A step of a run of the platform's script."""

    verbs: ClassVar[tuple[str, ...]] = ("run_script",)
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class ScriptRehearsed(ScriptStep):
    """Its dry-run ended."""

    step: Literal["dry_run"]
    run: ScriptRun


@dataclass(frozen=True, kw_only=True)
class ScriptStarted(ScriptStep):
    """The run that writes is about to be started."""

    step: Literal["started"]
    mode: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class ScriptInterrupted(ScriptStep):
    """The guard was stopped while the script ran."""

    step: Literal["interrupted"]
    by: Later[str] = None
    not_compared: Later[str] = None


@dataclass(frozen=True, kw_only=True)
class ScriptNotCompared(ScriptStep):
    """The script ran, and what it did could not be compared."""

    step: Literal["finished"]
    run: Later[ScriptRun] = None
    not_compared: str


@dataclass(frozen=True, kw_only=True)
class ScriptFinished(ScriptOutcome, ScriptStep):
    """The script ran, and what it did is known."""

    step: Literal["finished"]


def script_ending(entries: Iterable[AuditEntry], plan: Plan) -> tuple[bool, str] | None:
    """How the newest run of the platform's script for this plan ended, from the audit log; None when none ever wrote.

    Returns whether it did exactly the plan, and a sentence. Such a plan stays `planned`: the script keeps no before-values, so
    `undo` has nothing to restore.
    """
    ending = None
    for event in (each.event for each in entries if each.event.subject == f"plan:{plan.plan_id}"):
        if told(event, ScriptStarted) or told(event, ScriptInterrupted):
            ending = False, "the platform's script was started; how it ended is not on record: compare the tenant again"
        elif finished := told(event, ScriptFinished):
            rows, problems = finished.changes["applied"].players, "; ".join(finished.problems)
            ending = finished.is_done, f"written by the platform's script: {rows} rows; {problems or 'can not be undone'}"
        elif unknown := told(event, ScriptNotCompared):
            ending = False, f"the platform's script ran; what it did is not known: {unknown.not_compared}"
    return ending
