"""A real Airflow with a platform of many small tenants, and shorthand for what an attacker may do through its public API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml
from tests.attacks.hostile_policy import OTHER_WEBHOOKS

from ledger_guard.domain.approvals import Approval
from ledger_sandbox.airflow_api import AirflowApi, wait_for
from ledger_sandbox.rehearsal import Rehearsal
from ledger_sandbox.stack import Stack

FLAG = "webhook_signature_enforced"
REASON = "the tenant can't be paid, the ledger agrees with the players"
LONG_REASON = "everybody else is on a plane and every webhook is refused"
#: gates answered sooner than this after they parked can fail (the attack "within the first second" does just that)
SECONDS_AFTER_PARKING = 6.0
#: all attacks are played at once, so each takes its time
PATIENCE_SECONDS = 480.0
LOOK_SECONDS = 1.0


@dataclass
class Run:
    """One run under attack, of a tenant of its own."""

    dag_id: str
    run_id: str
    tenant_id: str


@dataclass
class Scene:
    """Drives the stack; every answer is read from guard state or from the platform, never from Airflow's word."""

    stack: Stack
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rehearsal = Rehearsal(self.stack, self.said.append)
        self.users = {"oncall": self.rehearsal.oncall, "payments-lead": self.rehearsal.approver}
        self.incident_id = self.open_incident()

    @property
    def policy(self) -> Path:
        """The file that every process of the stack reads."""
        return self.stack.policy_file

    def user(self, name: str) -> AirflowApi:
        """This user's own API client."""
        if name not in self.users:
            self.users[name] = AirflowApi(self.stack.url, name)
        return self.users[name]

    # --- the platform -----------------------------------------------------------------------------------------------

    def tenant(self, tenant_id: str) -> None:
        """A tenant whose 20 wallets a webhook made from 0 (beyond every guardrail), with the flag on by a value of its own."""
        with psycopg.connect(self.stack.platform_uri) as connection:
            connection.execute("insert into tenant (id, name, type) values (%s, %s, 'renter')", [tenant_id, tenant_id])
            connection.execute(
                "insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason)"
                " values (%s, %s, true, 'test', 'set up')",
                [FLAG, tenant_id],
            )
            connection.execute(
                "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
                " balance_real_held, status, kyc_status)"
                " select %(t)s::text || n, %(t)s::text, %(t)s::text || n, %(t)s::text || n || '@example.com', 100, 0, 100, 0,"
                " 'active', 'verified' from generate_series(1, 20) n",
                {"t": tenant_id},
            )
            connection.execute(
                "insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,"
                " balance_bonus_available, balance_bonus_pending)"
                " select %(t)s::text, %(t)s::text || n, 'USD', 1, 0, 0, 0 from generate_series(1, 20) n",
                {"t": tenant_id},
            )
            connection.execute(
                "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, status, provider)"
                " select %(t)s::text || n, %(t)s::text || n, %(t)s::text, %(t)s::text || n, 'deposit', 'credit', 1,"
                " 'deposit_captured', 'mockpsp' from generate_series(1, 20) n",
                {"t": tenant_id},
            )

    def mended(self, tenant_id: str, *but: int) -> None:
        """Make the tenant's wallets right (101), but those of these players."""
        self.value(
            "with mended as (update walletbalance set balance_real_available = 101 where tenant_id = %s"
            " and not player_id = any(%s) returning 1) select count(*) from mended",
            *(tenant_id, [f"{tenant_id}{number}" for number in but]),
        )

    def open_incident(self) -> str:
        """A widespread one of refused webhooks; T2 itself is left to the health check."""
        return str(
            self.value(
                "insert into ledger_guard.incident (incident_id, trigger, status, severity, scope, tenants, opened_at,"
                " first_window_start, last_alarm_window_start, summary) values (gen_random_uuid(), %s, 'open', 'severe',"
                " 'widespread', '{a}', now(), now(), now(), 'made by a test') returning incident_id",
                OTHER_WEBHOOKS,
            )
        )

    def value(self, query: str, *parameters: object) -> Any:
        """The first value of a statement on the platform's database, which holds guard state too."""
        return self.rehearsal.value(query, *parameters)

    def wrong_wallets(self, run: Run) -> int:
        """Wallets of the tenant that nobody repaired: 20 while nothing was written."""
        return int(
            self.value("select count(*) from walletbalance where tenant_id = %s and balance_real_available = 1", run.tenant_id)
        )

    def flag(self, run: Run) -> tuple[bool, int]:
        """The tenant's flag, and how often it was written."""
        with psycopg.connect(self.stack.platform_uri) as connection:
            row = connection.execute(
                "select is_enabled, version from rollout_flag where key = %s and tenant_id = %s", [FLAG, run.tenant_id]
            ).fetchone()
        assert row is not None, "set up"
        return row

    # --- runs -------------------------------------------------------------------------------------------------------

    def backfill(self, tenant_id: str, user: str = "oncall") -> Run:
        """Start a backfill that will have to ask."""
        self.tenant(tenant_id)
        conf = {"tenant_id": tenant_id, "operation": "backfill"}
        return Run("tenant_backfill", self.user(user).trigger("tenant_backfill", conf), tenant_id)

    def rollback(self, tenant_id: str, user: str = "oncall", *, again: bool = False, **conf: Any) -> Run:
        """Start a rollback of the tenant's own flag value."""
        if not again:
            self.tenant(tenant_id)
        given = {"flag": FLAG, "tenant_id": tenant_id, "incident_id": self.incident_id, "reason": "attack", **conf}
        return Run("flag_rollback", self.user(user).trigger("flag_rollback", given), tenant_id)

    def parked(self, run: Run, task_id: str = "request_approval", *, pause: float = SECONDS_AFTER_PARKING) -> dict[str, Any]:
        """Wait until the run's gate waits for people, and as long as it takes to read."""

        def found() -> dict[str, Any] | None:
            gates = self.user("admin").waiting_gates(run.dag_id)
            mine = (run.run_id, task_id)
            return next((g for g in gates if (g["task_instance"]["dag_run_id"], g["task_instance"]["task_id"]) == mine), None)

        gate: dict[str, Any] = self.wait_for(found, f"{run.dag_id} {run.tenant_id} to ask ({task_id})")
        parked_at = datetime.fromisoformat(gate["created_at"].replace("Z", "+00:00"))
        time.sleep(max(0.0, pause - (datetime.now(timezone.utc) - parked_at).total_seconds()))
        return gate

    def parked_or_ended(self, run: Run) -> None:
        """Wait until the second gate has failed to ask, or waits."""
        self.wait_for(
            lambda: (
                self.user("admin").task_states(run.dag_id, run.run_id).get("request_second_approval")
                not in (None, "None", "scheduled", "queued", "running")
            ),
            f"{run.tenant_id} to reach its second gate",
        )

    def answer(self, run: Run, user: str, option: str, reason: str | None, task_id: str = "request_approval") -> httpx.Response:
        """Answer a gate; the form is left out when there is no reason."""
        form = {} if reason is None else {"approver_reason": reason}
        return self.call(user, "PATCH", f"{self._task(run, task_id)}/-1/hitlDetails", chosen_options=[option], params_input=form)

    def agreed(self, run: Run, *people: str) -> None:
        """These people agree, one gate after the other."""
        for user, task_id in zip(people, ("request_approval", "request_second_approval"), strict=False):
            self.parked(run, task_id)
            answer = self.answer(run, user, "Approve", REASON, task_id)
            assert answer.status_code == 200, answer.text

    def mark(self, run: Run, task_id: str, user: str = "payments-lead") -> None:
        """Set a task to success by hand."""
        answer = self.call(user, "PATCH", self._task(run, task_id), new_state="success")
        assert answer.status_code == 200, answer.text

    def clear(self, run: Run, task_id: str, user: str = "payments-lead") -> None:
        """Clear one task so that it runs again."""
        self.user(user).clear(run.dag_id, run.run_id, task_id)

    def ended(self, run: Run) -> dict[str, str]:
        """Wait for the run's end; gives its tasks' states."""
        self.wait_for(
            lambda: self.user("admin").run_state(run.dag_id, run.run_id) in ("success", "failed"), f"{run.run_id} to end"
        )
        return self.user("admin").task_states(run.dag_id, run.run_id)

    def failed(self, run: Run, task_id: str) -> None:
        """Wait until a task has failed by itself, and its run has ended."""

        def found() -> bool:
            state = self.user("admin").task_states(run.dag_id, run.run_id).get(task_id)
            if state == "upstream_failed":
                # the scheduler overtook the mark; an attacker would clear the task
                self.clear(run, task_id)
            return state == "failed"

        self.wait_for(found, f"{task_id} of {run.tenant_id} to fail")
        self.ended(run)

    def call(self, user: str, method: str, path: str, **body: Any) -> httpx.Response:
        """Any call of the public API, in this user's name."""
        return self.user(user).call(method, path, body)

    def wait_for(self, found: Callable[[], Any], what: str) -> Any:
        """What `found` gives once it is true; looked for at leisure."""
        return wait_for(found, what, PATIENCE_SECONDS, self.said.append, every_seconds=LOOK_SECONDS)

    def xcom_path(self, run: Run, task_id: str) -> str:
        """Where a task's XComs are added and edited."""
        return f"{self._task(run, task_id)}/xcomEntries"

    def _task(self, run: Run, task_id: str) -> str:
        return f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}"

    # --- what was recorded ------------------------------------------------------------------------------------------

    def approvals(self, run: Run) -> list[Approval]:
        """The questions of the run's gates with their answers, in order."""
        gates = ("request_approval", "request_second_approval", "break_glass")
        found = self.rehearsal.look(lambda state: [state.approvals.of_gate(run.dag_id, run.run_id, gate) for gate in gates])
        return [each for each in found if each is not None]

    def said_on_record(self, run: Run) -> list[tuple[str, str | None]]:
        """Each answer's word and person."""
        return [(each.answer.answer.value, each.answer.answered_by) for each in self.approvals(run) if each.answer is not None]

    def refusals(self, run: Run, verb: str) -> str:
        """Why the writing task refused, from the audit log."""

        def look(state: Any) -> str:
            found = []
            for entry in state.audit.entries():
                event = entry.event
                about = run.run_id == event.detail.get("run_id") or event.tenant_id == run.tenant_id
                if event.verb == verb and about:
                    found.append(str(event.detail.get("why") or event.detail.get("refused") or ""))
            return "\n".join(each for each in found if each)

        return str(self.rehearsal.look(look))

    def change_policy(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Write the policy file anew, as somebody with access to it would."""
        document = yaml.safe_load(self.policy.read_text(encoding="utf-8"))
        change(document)
        self.policy.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
