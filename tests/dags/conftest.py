"""The DAGs as Airflow sees them, run in this process against a real platform database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dag_bag(airflow_home):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(ROOT / "dags"))


@pytest.fixture(scope="session")
def api_client(airflow_home):
    """Airflow's own API application, in this process."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    return TestClient(create_app(apps="core"))


@pytest.fixture(scope="session")
def stored_dags(dag_bag):
    """The DAGs written to the metadata database, as the dag-processor would."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(dag_bag, "dags-folder", None)
    return dag_bag


@dataclass
class Answerer:
    """Answers a gate as a person would, through the public API, while `dag.test()` waits in this thread."""

    client: object

    def when_parked(
        self, dag_id: str, task_id: str, option: str, reason: str | None, user: str = "payments-lead"
    ) -> threading.Thread:
        thread = threading.Thread(target=self._answer, args=(dag_id, task_id, option, reason, user), daemon=True)
        thread.start()
        return thread

    def _answer(self, dag_id: str, task_id: str, option: str, reason: str | None, user: str) -> None:
        token = self.client.post("/auth/token", json={"username": user, "password": f"{user}-pw"}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        query = {"response_received": False, "state": "awaiting_input", "task_id": task_id}
        for _ in range(300):
            found = self.client.get(f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails", params=query, headers=headers).json()
            for gate in found["hitl_details"]:
                run_id = gate["task_instance"]["dag_run_id"]
                self.client.patch(
                    f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails",
                    json={"chosen_options": [option], "params_input": {"approver_reason": reason}},
                    headers=headers,
                )
                return
            time.sleep(0.1)


@pytest.fixture
def answerer(api_client) -> Answerer:
    return Answerer(api_client)


@pytest.fixture(scope="session")
def run_dag(stored_dags) -> Callable[..., dict[str, str]]:
    """Run a DAG to its end in this process; gives the run's state and each task's."""
    from airflow.dag_processing import dagbag
    from airflow.models import dagbag as stored

    parse, versions, pause = dagbag.DagBag, stored.DBDagBag(), time.sleep

    def run(dag_id: str, conf: dict | None = None, **options) -> dict[str, str]:
        # parsed anew: `test` leaves a run's conf behind as the defaults of the next
        dag = parse(str(ROOT / "dags" / f"{dag_id}.py")).dags[dag_id]
        for task in dag.tasks:
            _retried_at_once(task)
        with pytest.MonkeyPatch.context() as patch:
            # `test` would parse and store the whole folder again before each run, and read the DAG back for each task
            patch.setattr(dagbag, "BundleDagBag", lambda **_: stored_dags)
            patch.setattr(dagbag, "sync_bag_to_db", lambda *_: None)
            patch.setattr(stored, "DBDagBag", lambda: versions)
            # it looks once a second whether a person has answered or a task is due again
            patch.setattr(time, "sleep", lambda seconds: pause(min(seconds, 0.1)))
            finished = dag.test(run_conf=conf or {}, **options)
        states = {
            instance.task_id: str(getattr(instance.state, "value", instance.state)) for instance in finished.get_task_instances()
        }
        return {**states, "run": str(getattr(finished.state, "value", finished.state))}

    return run


def _retried_at_once(task) -> None:
    """A task fails as often as ever, but its next try waits for nothing."""
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    if isinstance(task, MappedOperator):
        task.partial_kwargs["retry_delay"] = timedelta(0)
    else:
        task.retry_delay = timedelta(0)


class Airflow:
    """Airflow's own database, as people leave it by hand."""

    def pause(self, dag_id: str, *, is_paused: bool = True) -> None:
        from airflow.models.dag import DagModel
        from airflow.utils.session import create_session

        with create_session() as session:
            session.get(DagModel, dag_id).is_paused = is_paused

    def run(self, dag_id: str, run_id: str, state: str) -> None:
        """A run that a person started by hand."""
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from airflow.utils.types import DagRunTriggeredByType, DagRunType

        with create_session() as session:
            run = DagRun(dag_id=dag_id, run_id=run_id, run_type=DagRunType.MANUAL, state=state)
            run.triggered_by = DagRunTriggeredByType.REST_API
            session.add(run)

    def remove(self, dag_id: str, run_id: str) -> None:
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))


@pytest.fixture
def airflow(stored_dags) -> Iterator[Airflow]:
    """What a test pauses and starts by hand is put back."""
    found, made = Airflow(), []
    run = found.run

    def noted(dag_id, run_id, state):
        made.append((dag_id, run_id))
        run(dag_id, run_id, state)

    found.run = noted
    yield found
    for dag_id in stored_dags.dags:
        found.pause(dag_id, is_paused=False)
    for each in made:
        found.remove(*each)


def watch_titles(channel) -> list[str]:
    """Of messages that the look posted, without whom they call."""
    texts = [message["text"].removeprefix("<!here> ") for message in channel.messages]
    return [text.split(": ")[0] for text in texts if text.startswith("watch · ")]


class SmallPlatform:
    """A platform of two tenants that a test can look into; the guard's connections point at it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        with psycopg.connect(uri) as connection:
            connection.execute(
                "insert into tenant (id, name, type) values ('acme', 'Acme', 'renter'), ('zenith', 'Zenith', 'renter')"
            )
            connection.execute(
                "insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason)"
                " select unnest(%s::text[]), '*', true, 'test', 'set up'",
                [FLAGS],
            )
            for number in range(20):
                self._player(connection, "acme", f"p{number:02}", 100.0, wallet=40.0 if number < 3 else 100.0)
                self._player(connection, "zenith", f"z{number:02}", 100.0, wallet=100.0)

    def _player(self, connection, tenant: str, player: str, available: float, wallet: float) -> None:
        connection.execute(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held, status, kyc_status) values (%s, %s, %s, %s, %s, 0, %s, 0, 'active', 'verified')",
            [player, tenant, player, f"{player}@example.com", available, available],
        )
        connection.execute(
            "insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,"
            " balance_bonus_available, balance_bonus_pending) values (%s, %s, 'USD', %s, 0, 0, 0)",
            [tenant, player, wallet],
        )
        # A wallet below its player never got a hand of poker.
        poker = ("poker_win", available - wallet, "success")
        connection.execute(
            "insert into ledgertransaction (id, tenant_id, player_id, type, direction, amount, status, idempotency_key)"
            " values (%s, %s, %s, %s, 'credit', %s, %s, %s)",
            [f"l-{player}", tenant, player, *(poker if wallet < available else ("wallet", 1, "manual_credit")), f"l-{player}"],
        )

    def drift_far(self) -> None:
        """Let more of acme's wallets miss a hand of poker than the guardrails allow."""
        self.run("update walletbalance set balance_real_available = 1 where tenant_id = 'acme'")
        self.run("update ledgertransaction set type = 'poker_win', status = 'success', amount = 99 where tenant_id = 'acme'")

    def run(self, query: str, *parameters: object):
        """Run one statement; gives its first row's first value, if it has rows."""
        with psycopg.connect(self.uri) as connection:
            cursor = connection.execute(query, parameters)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def wallets(self) -> str:
        """A checksum over all wallets."""
        return self.run("select md5(string_agg(w::text, ',' order by w::text)) from walletbalance w")

    def is_enabled(self, flag: str) -> bool:
        return self.run("select is_enabled from rollout_flag where key = %s and tenant_id = '*'", flag)

    def open_incident(self, trigger: str = "T1", severity: str = "severe", scope: str = "isolated", tenants=("acme",)) -> str:
        return str(
            self.run(
                "insert into ledger_guard.incident (incident_id, trigger, status, severity, scope, tenants, opened_at,"
                " first_window_start, last_alarm_window_start, summary) values (gen_random_uuid(), %s, 'open', %s, %s, %s,"
                " now(), now(), now(), 'made by a test') returning incident_id",
                trigger,
                severity,
                scope,
                list(tenants),
            )
        )


FLAGS = ["ledger_enforce_balance", "webhook_signature_enforced"]


@contextmanager
def connected_to(uri: str) -> Iterator[None]:
    """The guard's connections point at the platform."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_LEDGER_DB", uri)
        patch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", uri)
        patch.setenv("LEDGER_GUARD_CLOCK", "rehearsal")
        yield


@pytest.fixture
def platform(database_uri) -> Iterator[SmallPlatform]:
    with connected_to(database_uri):
        yield SmallPlatform(database_uri)


@contextmanager
def told_to_a_stand_in() -> Iterator[object]:
    """The stand-in for Slack, on loopback, with the guard's connection pointing at it."""
    from ledger_sandbox.slack import SlackStandIn

    stand_in = SlackStandIn()
    stand_in.start()
    slack = {"conn_type": "slack", "password": stand_in.token, "extra": {"base_url": f"{stand_in.base_url}/api/"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", json.dumps(slack))
        yield stand_in
    stand_in.stop()


@pytest.fixture
def channel() -> Iterator[object]:
    with told_to_a_stand_in() as stand_in:
        yield stand_in


PATHS = {"T1": "/api/v1/player/wallet/withdraw", "T2": "/api/v1/payments/webhook/mockpsp"}
FAILURES = {"T1": (400, "INSUFFICIENT_FUNDS"), "T2": (401, "WEBHOOK_SIGNATURE_INVALID")}


class LivedPlatform(SmallPlatform):
    """The small platform with a day of ordinary traffic and comparisons behind it, up to the window that has just closed."""

    WINDOWS = 288

    def __init__(self, uri: str, *, is_filled: bool = False) -> None:
        """With `is_filled`, over a copy of a database that holds the day already."""
        if is_filled:
            self.uri = uri
            return
        super().__init__(uri)
        self.run("update walletbalance set balance_real_available = 100")
        for trigger in PATHS:
            for tenant in ("acme", "zenith"):
                self.traffic(trigger, tenant, self.WINDOWS + 3, 3, every=50)
        self.past_comparisons()
        self.deliver_through_now()

    def traffic(self, trigger: str, tenant: str, first: int, last: int, *, every: int) -> None:
        """Forty requests a window, from `first` to `last` windows before now; one in `every` fails."""
        status, code = FAILURES[trigger]
        self.run(
            "insert into ledger_guard.access_event"
            " (event_key, event_time, tenant_id, subject_id, method, path, status, error_code)"
            " select gen_random_uuid()::text, date_bin('5 minutes', now(), 'epoch') - age * interval '5 minutes'"
            "   + n * interval '7 seconds', %s, 'p' || (n %% 20), 'POST', %s,"
            "   case when (age * 40 + n) %% %s = 0 then %s else 200 end, case when (age * 40 + n) %% %s = 0 then %s end"
            " from generate_series(%s, %s, -1) age, generate_series(0, 39) n",
            *(tenant, PATHS[trigger], every, status, every, code, first, last + 1),
        )

    def past_comparisons(self) -> None:
        """What comparisons of the past day found: nothing."""
        windows = "generate_series(%s, 2, -1) age"
        start = "date_bin('5 minutes', now(), 'epoch') - age * interval '5 minutes'"
        self.run(
            "insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at)"
            f" select 'T3', {start}, 300, 'complete', '', now() from {windows}",
            self.WINDOWS,
        )
        self.run(
            "insert into ledger_guard.signal_window"
            " (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects)"
            f" select 'T3', {start}, tenant, 300, 0, 20, 0 from {windows}, unnest(array['acme', 'zenith']) tenant",
            self.WINDOWS,
        )

    def last_windows(self, trigger: str, *, acme_every: int = 50, zenith_every: int = 50) -> None:
        """The three newest windows' traffic of both tenants."""
        self.traffic(trigger, "acme", 3, 0, every=acme_every)
        self.traffic(trigger, "zenith", 3, 0, every=zenith_every)

    def deliver_through_now(self) -> None:
        """The ingress promises that all events are there, for the windows that close while the test runs too."""
        self.run(
            "insert into ledger_guard.source_watermark (source, complete_through, updated_at)"
            " values ('access_event', now() + interval '15 minutes', now())"
        )

    def incidents(self) -> list[tuple]:
        """Trigger, severity, scope and tenants of each incident."""
        with psycopg.connect(self.uri) as connection:
            rows = connection.execute("select trigger, severity, scope, tenants from ledger_guard.incident order by trigger")
            return rows.fetchall()


@pytest.fixture(scope="session")
def day_ending(own_database) -> Iterator[Callable[[int], str]]:
    """Name of a database with the day of LivedPlatform up to a window; made once for all tests that start in that window."""

    @cache
    def day(window: int) -> str:
        uri = stack.enter_context(own_database())
        LivedPlatform(uri)
        return psycopg.conninfo.conninfo_to_dict(uri)["dbname"]

    with ExitStack() as stack:
        yield day


@pytest.fixture
def lived(own_database, day_ending) -> Iterator[LivedPlatform]:
    with own_database(template=day_ending(int(time.time()) // 300)) as uri, connected_to(uri):
        yield LivedPlatform(uri, is_filled=True)
