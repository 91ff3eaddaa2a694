"""A small client of Airflow's public REST API, as an operator's script would use it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from ledger_sandbox.airflow_processes import password_of


class AirflowApi:
    """Calls in the name of one user."""

    def __init__(self, url: str, user: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        answer = self._client.post("/auth/token", json={"username": user, "password": password_of(user)})
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def dag_ids(self) -> set[str]:
        """DAGs that Airflow has parsed."""
        return {dag["dag_id"] for dag in self._get("/api/v2/dags")["dags"]}

    def trigger(self, dag_id: str, conf: dict[str, Any], run_id: str | None = None) -> str:
        """Start a run by hand, under an id of one's own if given, and return its id.

        Raises HTTPStatusError: the form refuses a value (400), or there is such a run already (409).
        """
        wanted = {"logical_date": None, "conf": conf, **({"dag_run_id": run_id} if run_id else {})}
        answer = self._client.post(f"/api/v2/dags/{dag_id}/dagRuns", json=wanted)
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """`queued`, `running`, `success` or `failed`."""
        return str(self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's runs, newest first."""
        return list(self._get(f"/api/v2/dags/{dag_id}/dagRuns?order_by=-run_after&limit=50")["dag_runs"])

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """State of each task of a run (the last mapped one stands for all)."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"]
        return {instance["task_id"]: str(instance["state"]) for instance in found}

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task and what comes after it, so that it runs again."""
        wanted = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True, "only_failed": False}
        self._client.post(f"/api/v2/dags/{dag_id}/clearTaskInstances", json=wanted).raise_for_status()

    def waiting_gates(self, dag_id: str) -> list[dict[str, Any]]:
        """Gates of a DAG that are parked and unanswered."""
        query = "response_received=false&state=awaiting_input"
        return list(self._get(f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails?{query}")["hitl_details"])

    def answer(self, gate: dict[str, Any], option: str, reason: str) -> httpx.Response:
        """Answer a parked gate with an option and a reason; the response is returned as it came."""
        instance = gate["task_instance"]
        path = (
            f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}/taskInstances/{instance['task_id']}"
            f"/{instance['map_index']}/hitlDetails"
        )
        return self._client.patch(path, json={"chosen_options": [option], "params_input": {"approver_reason": reason}})

    def call(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """Any other call with a JSON body; the response is returned as it came."""
        return self._client.request(method, path, json=body)

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._client.get(path)
        answer.raise_for_status()
        return dict(answer.json())


def wait_for(
    found: Callable[[], Any], what: str, patience_seconds: float, tick: Callable[[str], None], *, every_seconds: float = 0.5
) -> Any:
    """Call `found` until it gives something true and return that. Raises TimeoutError naming `what`."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        result = found()
        if result:
            return result
        tick(what)
        time.sleep(every_seconds)
    raise TimeoutError(f"waited {patience_seconds:.0f} s for {what}")
