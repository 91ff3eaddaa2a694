"""Two remediations on the running stack, one that the health check started and one by hand, with the runs that these started."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import psycopg
from tests.attacks import floods
from tests.attacks.hostile_policy import OTHER_WEBHOOKS
from tests.attacks.scene import FLAG, Run, Scene
from tests.triggers import T3

from ledger_guard.adapters.clocks.rehearsal import RehearsalClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.wiring import signal_sources
from ledger_sandbox import clock
from ledger_sandbox.history import t3_history

#: an Airflow user whom no policy names
MALLORY = "mallory"
SENSED_TENANTS = ("a-sensed-1", "a-sensed-2")
FORCED_TENANT = "p-forced"


@dataclass
class Parents:
    """What is attacked from above, and how."""

    scene: Scene
    #: a health check that found T3 severe
    check: Run
    #: whose run id was taken before the health check could start its remediation under it
    squatted: Run
    #: the remediation that the health check started: the guard itself asks in it, whoever started the health check
    sensed: Run
    sensed_incident: str
    #: its backfills, by tenant
    backfills: dict[str, Run]
    #: a remediation that on-call started by hand, and its rollback for everybody
    by_hand: Run
    rollback: Run
    #: a plan that was forced, of a tenant that is in no incident
    forced_plan: str

    # --- what the attacker does ---------------------------------------------------------------------------------------

    def write_xcom(self, run: Run, task_id: str, value: Any, user: str = MALLORY, key: str = "return_value") -> None:
        """Put a value where the task's result is read, whether there is one or not."""
        path = self.scene.xcom_path(run, task_id)
        answer = self.scene.call(user, "POST", path, key=key, value=value)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self.scene.call(user, "PATCH", f"{path}/{key}", value=value)
        assert answer.is_success, answer.text

    def run_again(self, run: Run, task_id: str, user: str = MALLORY) -> str:
        """Clear a task, wait until it has ended again, and give its state."""
        before = {each["map_index"]: each["try_number"] for each in self._tries(run, task_id)}
        wanted = {
            "dry_run": False,
            "dag_run_id": run.run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
        }
        self._done(user, "POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", wanted)

        def states() -> list[str]:
            found = self._tries(run, task_id)
            is_over = all(
                each["state"] in ("success", "failed", "skipped", "upstream_failed")
                and each["try_number"] > before.get(each["map_index"], 0)
                for each in found
            )
            return [str(each["state"]) for each in found] if found and is_over else []

        return " ".join(sorted(set(self.scene.wait_for(states, f"{task_id} of {run.run_id} to run again"))))

    def _tries(self, run: Run, task_id: str) -> list[dict[str, Any]]:
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances?limit=200"
        found = self.scene.call("admin", "GET", path).json()["task_instances"]
        return [each for each in found if each["task_id"] == task_id]

    def refused(self, run: Run, task_id: str) -> str:
        """Wait until a run's task has failed, and give what everybody was told of that; of the last time, if it is cleared."""

        def told() -> list[str]:
            path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}"
            state = self.scene.call("admin", "GET", path).json().get("state")
            return self.told(run.run_id, f"{task_id} · failed") if state == "failed" else []

        found: list[str] = self.scene.wait_for(told, f"{task_id} of {run.run_id} to be refused")
        return found[-1]

    def ended_by_hand(self, run: Run, user: str = MALLORY) -> None:
        """Mark a run as failed."""
        self._done(user, "PATCH", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": "failed"})

    def deleted(self, run: Run, user: str = MALLORY) -> None:
        """End a run by hand and delete it, so that its id is free."""
        self.ended_by_hand(run, user)
        self._done(user, "DELETE", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}", {})

    def _done(self, user: str, method: str, path: str, body: dict[str, Any]) -> None:
        """A call that Airflow may refuse while a task of the run is just being written; an attacker tries again."""
        self.scene.wait_for(lambda: self.scene.call(user, method, path, **body).is_success, f"{method} {path} by {user}")

    # --- what came of it ------------------------------------------------------------------------------------------------

    def told(self, *words: str) -> list[str]:
        """Messages in the channel with all of these words."""
        every = [json.dumps(message, ensure_ascii=False) for message in self.scene.stack.slack.messages]
        return [message for message in every if all(word in message for word in words)]

    def recorded(self, *, run_id: str | None = None, verb: str | None = None, incident_id: str | None = None) -> list[AuditEvent]:
        """Entries of the audit log about a run, with a verb, of an incident."""

        def look(state: Any) -> list[AuditEvent]:
            events = [entry.event for entry in state.audit.entries(incident_id=incident_id)]
            return [
                event
                for event in events
                if (verb is None or event.verb == verb) and (run_id is None or run_id in json.dumps(event.detail, default=str))
            ]

        found: list[AuditEvent] = self.scene.rehearsal.look(look)
        return found

    def action(self, incident_id: str, kind: str, target: str) -> Action:
        """The newest action of an incident with this kind and target."""
        actions = self.scene.rehearsal.look(lambda state: state.actions.of_incident(incident_id))
        found: Action = [each for each in actions if (each.kind, each.target) == (kind, target)][-1]
        return found


def sensed_severe(scene: Scene) -> tuple[Run, Run, str]:
    """Start a health check that will find T3 severe, in an incident that was mild, whose next run id somebody took.

    Gives the check, that run and the incident's id once the check has compared the balances; tenants that are made later are
    none of its. It finds what strangers and players sent, too.
    """
    for tenant_id in SENSED_TENANTS:
        scene.tenant(tenant_id)
    floods.send(scene)
    _quiet_past(scene)
    incident = _open_mild_incident(scene)
    guessed = "remediation__" + replace(incident, severity=Severity.SEVERE).stage_key()
    squatted = scene.user(MALLORY).trigger("ledger_remediation", {"incident_id": new_id()}, guessed)
    check = scene.user("oncall").trigger("ledger_health_check", {"triggers": ["T1", "T2", "T3"]})
    scene.wait_for(
        lambda: scene.value(
            "select count(*) from ledger_guard.signal_window where trigger = 'T3' and tenant_id = %s and events > 0", "a-sensed-1"
        ),
        "the health check to compare balances",
    )
    return Run("ledger_health_check", check, ""), Run("ledger_remediation", squatted, ""), incident.incident_id


def remediate_by_hand(scene: Scene) -> Run:
    """On-call remediates a case of refused webhooks: the flag is on for everybody, and is to be rolled back."""
    scene.tenant("p-by-hand")
    scene.value(
        "insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason)"
        " values (%s, '*', true, 'test', 'set up') returning 1",
        FLAG,
    )
    conf = {"trigger": OTHER_WEBHOOKS, "severity": "severe", "scope": "widespread", "tenants": ["p-by-hand"], "reason": "set up"}
    return Run("ledger_remediation", scene.user("oncall").trigger("ledger_remediation", conf), "*")


def forced_plan(scene: Scene) -> str:
    """Repair the one wrong wallet of a tenant, within the guardrails; gives the plan."""
    scene.tenant(FORCED_TENANT)
    scene.mended(FORCED_TENANT, 1)
    planned = scene.rehearsal.command("backfill", "dry-run", "--tenant-id", FORCED_TENANT, "--json")
    assert planned.returncode == 0, planned.stderr
    plan_id = str(json.loads(planned.stdout)["plan_id"])
    forced = scene.rehearsal.command("backfill", "force", "--plan", plan_id, "--json")
    assert forced.returncode == 0, forced.stderr
    assert json.loads(forced.stdout)["applied"] == 1
    return plan_id


def granted(scene: Scene, dag_id: str, incident_id: str, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Wait until so many runs of a DAG have leave for an incident; gives their ids and confs."""

    def found() -> list[tuple[str, dict[str, Any]]]:
        with psycopg.connect(scene.stack.platform_uri) as connection:
            rows = connection.execute(
                "select run_id, conf from ledger_guard.run_grant where dag_id = %s and incident_id = %s order by run_id",
                [dag_id, incident_id],
            ).fetchall()
        return rows if len(rows) == number else []

    runs: list[tuple[str, dict[str, Any]]] = scene.wait_for(found, f"{number} runs of {dag_id} to get leave")
    return runs


def _quiet_past(scene: Scene) -> None:
    uri = scene.stack.platform_uri
    settings, policy = ConnectionSettings.parse(uri, "ledger_db"), load_policy()
    length, now = timedelta(minutes=policy.window_minutes), clock.now(uri)
    newest = Window(Window.containing(now, length).start - length, length)
    source = signal_sources(settings, settings, policy, RehearsalClock(settings))
    compared = source.readings(T3, newest.next, newest.next)
    quiet = [replace(reading, window=newest, events=0, subjects=0) for reading in compared]
    assert {reading.tenant_id for reading in quiet} == {*SENSED_TENANTS, *floods.TENANTS}
    t3_history(uri, quiet, now - timedelta(hours=6), np.random.default_rng(1))


def _open_mild_incident(scene: Scene) -> Incident:
    incident_id = scene.value(
        "insert into ledger_guard.incident (incident_id, trigger, status, severity, scope, tenants, opened_at,"
        " first_window_start, last_alarm_window_start, summary) values (gen_random_uuid(), 'T3', 'open', 'mild',"
        " 'isolated', %s, now(), now(), now(), 'made by a test') returning incident_id",
        list(SENSED_TENANTS),
    )
    found: Incident = scene.rehearsal.look(lambda state: state.incidents.get(str(incident_id)))
    return found
