"""The demo scenario: quiet, T1 in one tenant, T2 everywhere and its restore, T3 severe, a restore that is refused.

Each step does something, waits for the guard, and proves the result from guard state and the platform.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import psycopg

from ledger_guard.adapters.clocks.rehearsal import RehearsalClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.plans import PlanStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_sandbox import clock, scenarios
from ledger_sandbox.balance_changes import tenants_by_size
from ledger_sandbox.environment import write_environment
from ledger_sandbox.history import t3_history, traffic_history
from ledger_sandbox.population import generate, store
from ledger_sandbox.profiles import PopulationShape
from ledger_sandbox.rehearsal import Rehearsal
from ledger_sandbox.stack import Stack

SEED = 20260216
HISTORY = timedelta(days=3)
#: windows after which even small tenants have shown health
AN_HOUR_AND_A_BIT = 14
APPROVE_REASON = "approved: webhooks of every tenant are refused"
RESTORE_REASON = "rotated with the providers and validated in test"
REJECT_REASON = "too many rows: find the root cause first"


class ScenarioError(Exception):
    """A step did not do what the scenario promises."""


@dataclass(frozen=True)
class StepResult:
    """What one step showed."""

    title: str
    happened: str
    #: where to look: a page, a command
    where: str


def require(fact: object, otherwise: str) -> None:
    """Raise ScenarioError when `fact` is not so."""
    if not fact:
        raise ScenarioError(otherwise)


def seed(stack: Stack, tick: Callable[[str], None]) -> StepResult:
    """Fill the platform: tenants, players, wallets, ledger, and a quiet past for every signal."""
    uri, rng = stack.platform_uri, np.random.default_rng(SEED)
    now = clock.now(uri)
    tick("tenants, players, wallets and ledger")
    store(uri, generate(SEED, PopulationShape(), now), now)
    write_environment(uri, stack.env_file)
    tick(f"{HISTORY.days} days of withdraw and webhook traffic")
    events = traffic_history(uri, now, rng, length=HISTORY)
    tick("T3's quiet past")
    policy, settings = load_policy(), ConnectionSettings.parse(uri, "ledger_db")
    window = Window.containing(now, timedelta(minutes=policy.window_minutes))
    source = BalanceComparisonSource(settings, policy.platform, RehearsalClock(settings))
    ordinary = source.readings(Trigger("T3"), window, window)
    t3_history(uri, ordinary, now - HISTORY, rng)
    return StepResult("seed", f"{len(ordinary)} tenants, {events:,} access events of {HISTORY.days} days", "seed: " + str(SEED))


class DemoScenario:
    """The steps, in order. Each raises ScenarioError (or TimeoutError) when what it promises did not happen."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.ui = rehearsal.stack.url
        self.uri = rehearsal.stack.platform_uri

    def steps(self) -> Iterator[tuple[str, Callable[[], StepResult]]]:
        """Title and function of each step."""
        yield "Quiet check: all three signals", self.quiet
        yield "T1 in one tenant: sensed, judged, reported", self.t1_sensed
        yield "T1: dry-run, force, verify", self.t1_repaired
        yield "T1: recovered and resolved", self.t1_resolved
        yield "T2 widespread: approval requested", self.t2_asked
        yield "T2: approved, flag off, confirmed", self.t2_rolled_back
        yield "T2: recovered and resolved", self.t2_resolved
        yield "T2: secrets rotated, flag restored", self.t2_restored
        yield "T3 severe: frozen, backfill waits for approval", self.t3_asked
        yield "T3: rejected, nothing written", self.t3_rejected
        yield "Restore refused while frozen", self.restore_refused
        yield "Stopped: a backfill is held, released, done", self.stopped
        yield "Budget reached: one tenant more waits for approval", self.budget_reached
        yield "Audit log verified", self.audited

    def quiet(self) -> StepResult:
        """A check on an ordinary day opens no incident."""
        self.rehearsal.pass_time(1)
        run_id = self.rehearsal.check()
        opened = self.rehearsal.look(lambda state: state.incidents.listed(include_resolved=True))
        judged = self.rehearsal.look(lambda state: [state.verdicts.judged_through(Trigger(word)) for word in ("T1", "T2", "T3")])
        require(all(judged), f"not every signal was judged: {judged}")
        require(not opened, f"an ordinary day opened {[incident.summary for incident in opened]}")
        return StepResult("quiet", "three signals judged, no incident", f"{self.ui}/dags/ledger_health_check/runs/{run_id}")

    def t1_sensed(self) -> StepResult:
        """Webhooks make one tenant's wallets from 0; its players' withdrawals are refused; the check opens an incident."""
        self.tenant = scenarios.pick_tenant_for_t1(self.uri, load_policy().guardrails)
        scenarios.t1_stale_wallets(self.uri, self.tenant)
        self.rehearsal.pass_time(3)
        self.rehearsal.check("T1")
        incident = self.rehearsal.incident("T1")
        require(incident, "no T1 incident was opened")
        assert incident is not None, "required"
        require(incident.severity.value == "severe", f"T1 is {incident.severity.value}, not severe: {incident.summary}")
        require(incident.tenants == (self.tenant,), f"T1 names {incident.tenants}, not ({self.tenant},)")
        require(self._thread(incident.thread_ts), "the incident has no thread in the channel")
        return StepResult("T1 sensed", incident.summary, f"{self.rehearsal.stack.slack.base_url}/ (the channel)")

    def t1_repaired(self) -> StepResult:
        """The remediation's backfill run of that tenant goes by itself: inside the guardrails."""
        run_id = self.rehearsal.newest_run("tenant_backfill", self.tenant)
        self.rehearsal.ended("tenant_backfill", run_id, must_be="success")
        plan = self.rehearsal.look(lambda state: state.plans.latest(self.tenant))
        rows = self.rehearsal.look(lambda state: state.plans.row_counts(plan.plan_id))
        require(plan.status is PlanStatus.FORCED, f"the plan is {plan.status.value}, not forced")
        self.forced_plan = plan.plan_id
        found = json.loads(self.rehearsal.command("backfill", "verify", "--tenant-id", self.tenant, "--json").stdout)
        require(found["is_clean"], f"not clean after force: {found['counts']}")
        wrong = self.rehearsal.value(
            "select count(*) from ledger_sandbox.right_wallet t left join walletbalance w on w.player_id = t.player_id"
            " and w.currency = 'USD' where t.tenant_id = %s and (w.player_id is null"
            " or round(w.balance_real_available::numeric * 100) <> t.available)",
            self.tenant,
        )
        require(wrong == 0, f"{wrong} wallets of {self.tenant} don't hold what is right")
        right = plan.counts.protected
        happened = f"{rows.get('applied', 0)} wallets written, each to the cent; {right} right ones left alone; tenant clean"
        return StepResult("T1 repaired", happened, f"{self.ui}/dags/tenant_backfill/runs/{run_id}")

    def t1_resolved(self) -> StepResult:
        """With the wallets right, the refusals stop, and the check ends the incident."""
        self.rehearsal.pass_time(3)
        self.rehearsal.check("T1")
        incident = self.rehearsal.incident("T1")
        require(incident and incident.status is IncidentStatus.RESOLVED, f"T1 is not resolved: {incident}")
        run_id = self.rehearsal.newest_run("ledger_remediation")
        self.rehearsal.ended("ledger_remediation", run_id, must_be="success")
        return StepResult(
            "T1 resolved", "refusals back at the tenant's own baseline", f"{self.ui}/dags/ledger_remediation/runs/{run_id}"
        )

    def t2_asked(self) -> StepResult:
        """Every webhook is refused; the check says widespread; a rollback waits for a named person."""
        scenarios.t2_all_webhooks_refused(self.uri)
        write_environment(self.uri, self.rehearsal.stack.env_file)
        self.rehearsal.pass_time(2)
        self.rehearsal.check("T2")
        incident = self.rehearsal.incident("T2")
        require(incident, "no T2 incident was opened")
        assert incident is not None, "required"
        require(incident.scope.value == "widespread", f"T2 is {incident.scope.value}, not widespread: {incident.summary}")
        self.gate = self.rehearsal.parked_gate("flag_rollback")
        require(self._flag("webhook_signature_enforced"), "the flag is off before anyone approved")
        instance = self.gate["task_instance"]
        where = f"{self.ui}/dags/flag_rollback/runs/{instance['dag_run_id']}/tasks/request_approval/required_actions"
        return StepResult(
            "T2 asked", f"{len(incident.tenants)} tenants, rollback waits for an approver; the flag is still on", where
        )

    def t2_rolled_back(self) -> StepResult:
        """The approver approves, with a reason, through the public REST API."""
        refused = self.rehearsal.oncall.answer(self.gate, "Approve", APPROVE_REASON)
        require(refused.status_code == 403, f"someone who is not an approver got {refused.status_code}, not 403")
        run_id = self.rehearsal.answered(self.gate, "Approve", APPROVE_REASON)
        require(not self._flag("webhook_signature_enforced"), "the flag is still on")
        change = self.rehearsal.look(lambda state: state.flag_changes.latest("webhook_signature_enforced", "*"))
        require(change and change.status.value == "confirmed", f"the change is not confirmed: {change}")
        seen = f"{change.status.value} by two instances and signed webhooks"
        happened = f"flag off, approved by {change.approved_by}, {seen}; on-call alone was refused (403)"
        return StepResult("T2 rolled back", happened, f"{self.ui}/dags/flag_rollback/runs/{run_id}")

    def t2_resolved(self) -> StepResult:
        """Unsigned webhooks are accepted again; the check ends the incident; the rotation stays on record."""
        self.rehearsal.pass_time(AN_HOUR_AND_A_BIT)
        self.rehearsal.check("T2")
        incident = self.rehearsal.incident("T2")
        require(incident and incident.status is IncidentStatus.RESOLVED, f"T2 is not resolved: {incident}")
        rotations = self.rehearsal.look(lambda state: state.rotations.pending())
        require(rotations, "no secret rotation was planned")
        words = ", ".join(rotation.secret_name for rotation in rotations)
        return StepResult("T2 resolved", f"webhooks accepted; rotation planned: {words}", "python -m ledger_guard rollout status")

    def t2_restored(self) -> StepResult:
        """Refused while the rotation is pending; on with the rotation recorded, quiet windows and a second person's approval."""
        incident = self.rehearsal.incident("T2")
        assert incident is not None, "t2_resolved required it"
        conf = {
            "flag": "webhook_signature_enforced",
            "incident_id": incident.incident_id,
            "root_cause": "a deploy put placeholders in the place of every webhook secret",
            "root_cause_link": "https://tracker.example/secrets",
            "root_cause_owner": "platform-team",
            "validation": {"environment": "test", "passed": True, "reference": "signed and unsigned webhook, run 12"},
        }
        refused = self.rehearsal.oncall.trigger("flag_restore", conf)
        self.rehearsal.ended("flag_restore", refused, must_be="failed")
        require(not self._flag("webhook_signature_enforced"), "the flag was restored while a rotation waits")
        scenarios.repair_secrets(self.uri)
        write_environment(self.uri, self.rehearsal.stack.env_file)
        for rotation in self.rehearsal.look(lambda state: state.rotations.pending()):
            done = self.rehearsal.command("rollout", "rotated", "--rotation", rotation.rotation_id, "--by", "payments-lead")
            require(done.returncode == 0, f"rollout rotated exits with {done.returncode}: {done.stderr}")
        self.rehearsal.oncall.trigger("flag_restore", conf)
        run_id = self.rehearsal.answered(self.rehearsal.parked_gate("flag_restore"), "Approve", RESTORE_REASON)
        require(self._flag("webhook_signature_enforced"), "the flag is still off")
        freezes = self.rehearsal.look(lambda state: state.freezes.standing("webhook_signature_enforced"))
        require(not freezes, f"the freeze is still active: {freezes}")
        happened = "refused while the rotation was pending; then rotated, approved by another person, enforced, freeze lifted"
        return StepResult("T2 restored", happened, f"{self.ui}/dags/flag_restore/runs/{run_id}")

    def t3_asked(self) -> StepResult:
        """The largest tenant drifts; the rollout is frozen; a plan beyond the guardrails waits for a human."""
        with psycopg.connect(self.uri) as connection:
            drifting = tenants_by_size(connection)[0]
        scenarios.t3_one_tenant_drifts(self.uri, drifting)
        self.wallets_before = self._wallets()
        self.rehearsal.pass_time(1)
        self.rehearsal.check("T3")
        incident = self.rehearsal.incident("T3")
        require(incident and incident.severity.value == "severe", f"T3 is not severe: {incident}")
        self.gate = self.rehearsal.parked_gate("tenant_backfill")
        freezes = self.rehearsal.look(lambda state: state.freezes.standing("ledger_enforce_balance"))
        require(freezes, "the rollout is not frozen")
        plan = self.rehearsal.look(lambda state: state.plans.latest(drifting))
        happened = f"rollout frozen; plan of {drifting} waits: {'; '.join(plan.guardrails_exceeded)}"
        return StepResult("T3 asked", happened, f"python -m ledger_guard rollout check --flag {freezes[0].flag}")

    def t3_rejected(self) -> StepResult:
        """The approver rejects: no wallet changes, and the freeze stays active."""
        run_id = self.rehearsal.answered(self.gate, "Reject", REJECT_REASON)
        self.rehearsal.ended("ledger_remediation", self.rehearsal.newest_run("ledger_remediation"), must_be="success")
        require(self._wallets() == self.wallets_before, "a wallet changed although the plan was rejected")
        return StepResult(
            "T3 rejected", "no wallet changed; incident report written", f"{self.ui}/dags/tenant_backfill/runs/{run_id}"
        )

    def restore_refused(self) -> StepResult:
        """While the freeze is active nothing new is enabled: the restore names what is missing, the command exits with 3."""
        conf = {
            "flag": "ledger_enforce_balance",
            "tenant_id": self.tenant,
            "root_cause": "none yet: this is an attempt to enable the flag while the analysis is still going on",
            "root_cause_link": "https://tracker.example/analysis",
            "root_cause_owner": "platform-team",
            "validation": {"environment": "test", "passed": True, "reference": "smoke run"},
        }
        run_id = self.rehearsal.oncall.trigger("flag_restore", conf)
        self.rehearsal.ended("flag_restore", run_id, must_be="failed")
        states = self.rehearsal.oncall.task_states("flag_restore", run_id)
        require(states["review"] == "failed" and states["restore"] != "success", f"the restore went on: {states}")
        check = self.rehearsal.command("rollout", "check", "--flag", "ledger_enforce_balance")
        require(check.returncode == 3, f"rollout check exits with {check.returncode}, not 3: {check.stdout} {check.stderr}")
        return StepResult("restore refused", (check.stdout or check.stderr).strip(), f"{self.ui}/dags/flag_restore/runs/{run_id}")

    def stopped(self) -> StepResult:
        """While the guard is stopped an ordinary backfill writes nothing; a second person releases it, and it goes on."""
        with psycopg.connect(self.uri) as connection:
            tenant = next(each for each in tenants_by_size(connection)[1:] if each != self.tenant)
        self.held_tenant, lost = tenant, self._lose_wallets(tenant, 3)
        command = self.rehearsal.command
        held = command("stop", "--reason", "wallets were seen to vanish", "--by", "oncall")
        require(held.returncode == 0, f"stop exits with {held.returncode}: {held.stderr}")
        conf = {"tenant_id": tenant, "operation": "backfill", "mode": "create-missing"}
        run_id = self.rehearsal.oncall.trigger("tenant_backfill", conf)
        self.rehearsal.ended("tenant_backfill", run_id, must_be="failed")
        require(self._missing(lost) == len(lost), "a wallet was written although the guard was stopped")
        alone = command("release", "--reason", "one person may not do this alone", "--by", "oncall")
        require(alone.returncode == 3, f"whoever stopped it released it: {alone.stdout}")
        freed = command("release", "--reason", "they were deleted for this demo", "--by", "payments-lead")
        require(freed.returncode == 0, f"release exits with {freed.returncode}: {freed.stderr}")
        self.rehearsal.oncall.clear("tenant_backfill", run_id, "force")
        self.rehearsal.ended("tenant_backfill", run_id, must_be="success")
        require(self._missing(lost) == 0, f"{self._missing(lost)} wallets of {tenant} were not made again")
        budget = command("budget", "status").stdout.splitlines()[0]
        happened = f"{len(lost)} lost wallets stayed lost while stopped, and were made after the release; budget {budget}"
        return StepResult("stopped", happened, f"{self.ui}/dags/tenant_backfill/runs/{run_id}")

    def budget_reached(self) -> StepResult:
        """Small repairs go by themselves until the hour's tenants are used up; the next one needs a human."""
        most = load_policy().budget.per_hour.tenants
        with psycopg.connect(self.uri) as connection:
            _, *others = tenants_by_size(connection)
        untouched = [each for each in others if each not in (self.tenant, self.held_tenant)]
        done = 0
        for tenant in untouched[: most + 1]:
            lost = self._lose_wallets(tenant, 1)
            dry_run = self.rehearsal.command("backfill", "dry-run", "--tenant-id", tenant, "--mode", "create-missing", "--json")
            forced = self.rehearsal.command("backfill", "force", "--plan", json.loads(dry_run.stdout)["plan_id"])
            if forced.returncode == 3:
                break
            require(forced.returncode == 0, f"force exits with {forced.returncode}: {forced.stderr}")
            done += 1
        require(forced.returncode == 3, f"{done} tenants more were written and nothing was held: the budget is {most} an hour")
        require("hourly budget" in forced.stderr, f"force was refused, but not for the budget: {forced.stderr}")
        require(self._missing(lost) == len(lost), "a wallet was written although the budget was used up")
        held = forced.stderr.strip().partition("hourly budget: ")[2].partition(")")[0]
        return StepResult(
            "budget reached", f"{done} small repairs more were written; then {held}", "python -m ledger_guard budget status"
        )

    def _lose_wallets(self, tenant: str, rows: int) -> list[str]:
        """Delete so many wallets of a tenant that are right; gives their players."""
        with psycopg.connect(self.uri) as connection:
            lost = connection.execute(
                "delete from walletbalance where currency = 'USD' and player_id in (select w.player_id from walletbalance w"
                " join ledger_sandbox.right_wallet r on r.player_id = w.player_id"
                " where w.tenant_id = %s and round(w.balance_real_available::numeric * 100) = r.available"
                " order by w.player_id limit %s) returning player_id",
                [tenant, rows],
            ).fetchall()
        return [str(player_id) for (player_id,) in lost]

    def _missing(self, players: list[str]) -> int:
        found = "select count(*) from walletbalance where currency = 'USD' and player_id = any(%s)"
        return len(players) - int(str(self.rehearsal.value(found, players)))

    def audited(self) -> StepResult:
        """The audit log is intact."""
        check = self.rehearsal.command("audit", "verify")
        require(check.returncode == 0, f"audit verify exits with {check.returncode}: {check.stderr}")
        return StepResult("audited", check.stdout.strip(), "python -m ledger_guard audit verify")

    def _flag(self, flag: str) -> object:
        return self.rehearsal.value("select is_enabled from rollout_flag where key = %s and tenant_id = '*'", flag)

    def _wallets(self) -> object:
        """A checksum over every wallet."""
        return self.rehearsal.value("select md5(string_agg(w::text, ',' order by w::text)) from walletbalance w")

    def _thread(self, ts: str | None) -> bool:
        return any(message["ts"] == ts for message in self.rehearsal.stack.slack.messages)
