"""What guard state holds, as plain dictionaries of values that never change."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from ledger_guard.domain.approvals import ApprovalAnswer, ApprovalRequest
from ledger_guard.domain.audit import GENESIS_HASH, AuditEntry
from ledger_guard.domain.budgets import Written
from ledger_guard.domain.comparisons import LastComparison
from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.ledger_evidence import Amounts
from ledger_guard.domain.pacing import BackfillOrder, BackfillProgress
from ledger_guard.domain.partitions import Partition
from ledger_guard.domain.plans import Plan, PlanRow
from ledger_guard.domain.runs import RunGrant
from ledger_guard.domain.secrets import SecretSighting
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger
from ledger_guard.domain.unknown_tenants import SetApart, TenantList
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.writer_leases import WriterLease
from ledger_guard.ports.guard_state import JudgedRevision

WindowKey = tuple[Trigger, datetime]


@dataclass(frozen=True)
class SavedEngine:
    """What the severity engine left behind."""

    judged_through: datetime
    judged_at: datetime
    state: bytes


@dataclass
class Tables:
    """All of guard state. A dictionary keeps the order of arrival, which decides between rows of the same moment."""

    windows: dict[WindowKey, SensedWindow] = field(default_factory=dict)
    readings: dict[WindowKey, tuple[Reading, ...]] = field(default_factory=dict)
    #: by window, then tenant; a tenant's verdict with the incident it belongs to
    verdicts: dict[WindowKey, dict[str, tuple[Verdict, str | None]]] = field(default_factory=dict)
    #: of those, what stays when their partition is dropped
    kept_verdicts: dict[WindowKey, dict[str, tuple[Verdict, str | None]]] = field(default_factory=dict)
    #: by name
    partitions: dict[str, Partition] = field(default_factory=dict)
    #: by trigger, hour and tenant: windows, events and exposure
    reading_hours: dict[tuple[Trigger, datetime, str], tuple[int, int, int]] = field(default_factory=dict)
    engines: dict[Trigger, SavedEngine] = field(default_factory=dict)
    #: engine states by how far they have seen
    checkpoints: dict[WindowKey, bytes] = field(default_factory=dict)
    judged_revisions: dict[WindowKey, JudgedRevision] = field(default_factory=dict)
    comparisons: dict[Trigger, LastComparison] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    #: by tenant, words and player: what was held before the ledger, as it was seen first
    openings: dict[tuple[str, str, str], Amounts] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    #: rows of plans that are being added
    plan_rows: dict[str, tuple[PlanRow, ...]] = field(default_factory=dict)
    #: by plan, player and currency: when force wrote the row
    forced_at: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    #: by the order of batches: what force and undo wrote, with the moment
    written: dict[int, tuple[datetime, Written]] = field(default_factory=dict)
    backfill_orders: dict[str, BackfillOrder] = field(default_factory=dict)
    #: by tenant
    writer_leases: dict[str, WriterLease] = field(default_factory=dict)
    #: by plan, one an operation, in the order they began
    progress: dict[str, list[BackfillProgress]] = field(default_factory=dict)
    approvals: dict[str, ApprovalRequest] = field(default_factory=dict)
    answers: dict[str, ApprovalAnswer] = field(default_factory=dict)
    #: approval ids whose gate asked again; the value is the newer question
    voided: dict[str, str] = field(default_factory=dict)
    #: approval ids of which people were reminded, and when
    escalated: dict[str, datetime] = field(default_factory=dict)
    #: approval ids whose run has ended, and when that was found
    orphaned: dict[str, datetime] = field(default_factory=dict)
    #: those of them that were reported, and when
    orphan_told: dict[str, datetime] = field(default_factory=dict)
    flag_changes: dict[str, FlagChange] = field(default_factory=dict)
    freezes: dict[str, Freeze] = field(default_factory=dict)
    rotations: dict[str, RotationPlan] = field(default_factory=dict)
    overrides: dict[str, FreezeOverride] = field(default_factory=dict)
    #: by secret's name and fingerprint
    sightings: dict[tuple[str, str], SecretSighting] = field(default_factory=dict)
    deploys: dict[str, Deploy] = field(default_factory=dict)
    run_grants: dict[str, RunGrant] = field(default_factory=dict)
    #: by DAG, run and name; with the moment they were left
    run_notes: dict[tuple[str, str, str], tuple[dict[str, Any], datetime]] = field(default_factory=dict)
    #: by kind and about; with the moment it was over
    guard_alerts: dict[tuple[GuardAlertKind, str], tuple[GuardAlert, datetime | None]] = field(default_factory=dict)
    #: under an empty key: the tenants that the platform last said it has
    tenant_list: dict[str, TenantList] = field(default_factory=dict)
    set_apart: dict[WindowKey, SetApart] = field(default_factory=dict)
    #: by trigger and tenant; with the moment people were told, if they were
    dark_tenants: dict[tuple[Trigger, str], tuple[DarkTenant, datetime | None]] = field(default_factory=dict)
    #: under an empty key: when the first task of a DAG looked last
    last_look: dict[str, datetime] = field(default_factory=dict)
    audit: dict[int, AuditEntry] = field(default_factory=dict)
    #: kept apart from the entries, so that a cut tail is found
    audit_head: tuple[int, str] = (0, GENESIS_HASH)

    def copy(self) -> Tables:
        """The same content; changing the copy leaves this one alone."""
        found = Tables(audit_head=self.audit_head)
        for each in fields(self):
            if each.name != "audit_head":
                setattr(found, each.name, dict(getattr(self, each.name)))
        return found

    def require_incident(self, incident_id: str | None) -> None:
        """Raise BadInputError when an id is given and no incident has it."""
        if incident_id is not None and incident_id not in self.incidents:
            raise BadInputError(f"incident {incident_id}: does not exist; allowed: an id from `incident list --all`")


class Store:
    """A store over the tables of one transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
