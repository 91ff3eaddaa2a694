"""A rollout in memory that tests drive: incidents, questions, answers and what stands afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.triggers import T1, T2, TRIGGERS

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.approvals import ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.flags import EVERYWHERE, Freeze, RotationPlan
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.runs import StartedRun
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import UTC, Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import request_approval
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal
from ledger_guard.use_cases.flags.restore import restore, review_restore, verify_before_restore
from ledger_guard.use_cases.flags.restore_case import RestoreRequest
from ledger_guard.use_cases.flags.roll_back import propose_roll_back, roll_back

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
BALANCE = "ledger_enforce_balance"
SIGNATURE = "webhook_signature_enforced"
RUN = "manual__2026-03-02"
REASON = "withdrawals are refused for everyone"
ROOT_CAUSE = "the backfill had skipped players without a wallet row"
LINK = "https://wiki.example.org/postmortem/12"
OWNER = "platform-team"
TENANTS = ("tenant-a", "tenant-b", "tenant-c")
VALIDATION = {"environment": "test", "passed": True, "reference": "run 4711 of the withdrawal suite"}


@dataclass
class RolloutWorld:
    """A guard, and shorthand for what people and the platform do to it."""

    deps: Dependencies
    memory: MemoryWorld

    def incident(self, trigger: Trigger = T1, severity: Severity = Severity.SEVERE, scope: Scope = Scope.WIDESPREAD) -> str:
        """Open an incident."""
        incident = Incident(
            incident_id=new_id(),
            trigger=trigger,
            status=IncidentStatus.MITIGATING,
            severity=severity,
            scope=scope,
            tenants=("tenant-a", "tenant-b"),
            opened_at=NOW,
            first_window_start=NOW - timedelta(minutes=10),
            last_alarm_window_start=NOW - timedelta(minutes=5),
            summary="tenant-a: 42 of 60 refused",
        )
        with self.deps.state.transaction() as state:
            state.incidents.add(incident)
        return incident.incident_id

    def on_record(self, granted: Mapping[str, Any] | None = None) -> RunOnRecord:
        """The run as its tasks see it: one that was given leave for, or one that on-call started by hand."""
        if granted is None:
            return RunOnRecord(self.deps, StartedRun("flag_rollback", RUN, "oncall", is_started_by_run=False, conf={}))
        run = StartedRun("flag_rollback", granted["trigger_run_id"], None, is_started_by_run=True, conf=granted["conf"])
        return RunOnRecord(self.deps, run)

    def windows(self, word: Severity, *, first: int = 12, last: int = 1, triggers=TRIGGERS, tenants=TENANTS) -> None:
        """Store verdicts for the windows `first` to `last` before the one that is open."""
        length = timedelta(minutes=5)
        now = Window.containing(self.deps.clock.now(), length).start
        verdicts = [
            Verdict(trigger, tenant, Window(now - back * length, length), word, Scope.ISOLATED, "put here by a test")
            for trigger in triggers
            for back in range(last, first + 1)
            for tenant in tenants
        ]
        with self.deps.state.transaction() as state:
            for trigger in triggers:
                state.verdicts.record([verdict for verdict in verdicts if verdict.trigger is trigger], None)

    def attempts(
        self,
        a_window: int,
        *,
        failures: int = 0,
        usual: float | None = None,
        first: int = 12,
        last: int = 1,
        trigger: Trigger = T2,
        tenants=TENANTS,
        word: Severity = Severity.INSUFFICIENT,
    ) -> None:
        """Store verdicts that rest on so many attempts a tenant and window; the first tenant's newest window has the failures.

        `usual` are the failures that each tenant's baseline lets expect; without, one in ten thousand attempts.
        """
        length = timedelta(minutes=5)
        now = Window.containing(self.deps.clock.now(), length).start
        expected = 0.0001 * a_window if usual is None else usual
        verdicts = []
        for back in range(last, first + 1):
            for tenant in tenants:
                events = failures if (back, tenant) == (last, tenants[0]) else 0
                figures = {"events": events, "exposure": a_window, "expected_events": expected}
                window = Window(now - back * length, length)
                verdicts.append(Verdict(trigger, tenant, window, word, Scope.ISOLATED, "put here by a test", figures))
        with self.deps.state.transaction() as state:
            state.verdicts.record(verdicts, None)

    def healthy(self) -> RolloutWorld:
        """An hour of quiet windows, and every tenant's wallets compared."""
        self.windows(Severity.NONE)
        for tenant in TENANTS:
            verify(self.deps, tenant)
        return self

    def resolve(self, incident_id: str) -> None:
        """End an incident."""
        with self.deps.state.transaction() as state:
            state.incidents.save(
                replace(state.incidents.get(incident_id), status=IncidentStatus.RESOLVED, resolved_at=self.deps.wall_clock.now())
            )

    def change_incident(self, incident_id: str, **changes: object) -> None:
        """Store an incident that went on."""
        with self.deps.state.transaction() as state:
            state.incidents.save(replace(state.incidents.get(incident_id), **changes))

    def ask(
        self, kind: ApprovalKind, proposal: FlagProposal, incident_id: str | None, run_id: str = RUN, by: str = "oncall"
    ) -> str:
        """Put the question as a gate would."""
        return asked(
            self.deps, kind, proposal.subject_id, proposal.subject_hash, incident_id, run_id, by, proposal.text
        ).approval_id

    def answer(self, approval_id: str, by: str = "payments-lead", reason: str = REASON, option: str = "Approve") -> None:
        """Answer as a human would, now."""
        answered(self.deps, approval_id, by=by, reason=reason, option=option)

    def ask_to_roll_back(self, incident_id: str, flag: str = BALANCE, tenant_id: str = EVERYWHERE, run_id: str = RUN) -> str:
        """Propose a rollback and ask about it."""
        proposal = propose_roll_back(self.deps, flag, tenant_id, incident_id, "oncall")
        return self.ask(ApprovalKind.FLAG_ROLLBACK, proposal, incident_id, run_id)

    def roll_back(self, incident_id: str, flag: str = BALANCE, tenant_id: str = EVERYWHERE, run_id: str = RUN):
        """Do it, as the writing task would."""
        return roll_back(self.deps, flag, tenant_id, incident_id, run_id, "flag_rollback")

    def approved_roll_back(self, incident_id: str, flag: str = BALANCE, tenant_id: str = EVERYWHERE, run_id: str = RUN):
        """The whole way."""
        self.answer(self.ask_to_roll_back(incident_id, flag, tenant_id, run_id))
        return self.roll_back(incident_id, flag, tenant_id, run_id)

    def review_restore(self, incident_id: str | None, flag: str = BALANCE, tenant_id: str = EVERYWHERE, **changes: object):
        """Review a restore for which everything is written down, save what `changes` says."""
        given = {
            "root_cause": ROOT_CAUSE,
            "root_cause_link": LINK,
            "root_cause_owner": OWNER,
            "validation": VALIDATION,
            **changes,
        }
        requested_by = str(given.pop("requested_by", "oncall"))
        return review_restore(self.deps, RestoreRequest(flag, tenant_id, incident_id, **given), requested_by)

    def ask_to_restore(self, incident_id: str | None, flag: str = BALANCE, tenant_id: str = EVERYWHERE, run_id: str = RUN) -> str:
        """Review a restore and ask about it."""
        return self.ask(ApprovalKind.FLAG_RESTORE, self.review_restore(incident_id, flag, tenant_id), incident_id, run_id)

    def restore(
        self, incident_id: str | None, flag: str = BALANCE, tenant_id: str = EVERYWHERE, run_id: str = RUN, **changes: object
    ):
        """Do it, as the writing task would."""
        verify_before_restore(self.deps, flag, tenant_id, incident_id)
        given = {
            "root_cause": ROOT_CAUSE,
            "root_cause_link": LINK,
            "root_cause_owner": OWNER,
            "validation": VALIDATION,
            **changes,
        }
        return restore(self.deps, RestoreRequest(flag, tenant_id, incident_id, **given), run_id, "flag_restore")

    def plan_rotation(self, incident_id: str | None, secret_name: str = "WEBHOOK_SECRET_MOCKPSP") -> str:
        """Plan a rotation, as plan_secret_rotation does."""
        plan = RotationPlan(
            new_id(), "mockpsp", secret_name, incident_id, "payments-lead", ("rotate",), NOW, NOW + timedelta(days=1)
        )
        with self.deps.state.transaction() as state:
            return state.rotations.add(plan).rotation_id

    def freezes(self) -> list[Freeze]:
        """What stands."""
        with self.deps.state.transaction() as state:
            return state.freezes.standing()

    def audit(self, verb: str) -> list[dict]:
        """Details of the audit log's entries with this verb."""
        with self.deps.state.transaction() as state:
            return [dict(entry.event.detail) for entry in state.audit.entries() if entry.event.verb == verb]


def rollout_world(policy: Policy | None = None, audit_keys: AuditKeys = NO_KEYS) -> RolloutWorld:
    """Three tenants, whose windows are quiet and whose wallets were compared."""
    memory = memory_world(policy or load_policy(), NOW, audit_keys)
    for tenant in TENANTS:
        memory.ledger.add_player(tenant, "player-1", 10.0)
        memory.ledger.set_wallet(tenant, "player-1", 10.0)
    return RolloutWorld(memory.deps, memory).healthy()


def asked(
    deps: Dependencies,
    kind: ApprovalKind = ApprovalKind.BACKFILL_FORCE,
    subject_id: str = "plan-1",
    subject_hash: str = "hash-1",
    incident_id: str | None = None,
    run_id: str = RUN,
    by: str = "oncall",
    proposal: str = "change 3 rows",
) -> ApprovalRequest:
    """Ask as a gate would."""
    return request_approval(
        deps,
        kind,
        subject_id,
        subject_hash,
        incident_id=incident_id,
        requested_by=by,
        dag_id="gate_dag",
        run_id=run_id,
        task_id="request_approval",
        link="http://localhost:8080/required_actions",
        proposal=proposal,
    )


def answered(
    deps: Dependencies, approval_id: str, *, by: str = "payments-lead", reason: str = REASON, option: str = "Approve", at=None
):
    """Answer as a human would."""
    return record_answer(
        deps,
        approval_id,
        chosen_options=[option],
        reason=reason,
        answered_by=by,
        answered_at=at or deps.wall_clock.now(),
        timed_out=False,
    )
