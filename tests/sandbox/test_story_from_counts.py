"""The demo's story once more, where nothing but counts is known: a backfill fault is sensed, judged, repaired and over.

The platform, the guard's state, the wallets and the source are real: a Prometheus, or a database asked in SQL over an Airflow
connection. No ingress log is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import psycopg
import pytest
from tests.sandbox.conftest import AS_OF
from tests.sandbox.written_prometheus import running_prometheus, why_there_is_none, write
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.runs import GUARD_ITSELF, StartedRun
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.sources import Prometheus, Source, SqlQuery
from ledger_guard.signals.policy_checks import signal_problems
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill import backfill_run
from ledger_guard.use_cases.backfill.backfill_ending import close_run
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.health_check.sense import is_ready, sense
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import open_case, settle_runs
from ledger_guard.use_cases.remediation.remediation_steps import do_step, report_case, runs_to_start, task_of
from ledger_guard.wiring import signal_sources
from ledger_sandbox import scenarios
from ledger_sandbox.history import traffic_history
from ledger_sandbox.traffic import play

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]
FIVE, SCRAPE, DAY = timedelta(minutes=5), timedelta(seconds=30), timedelta(days=1)
#: of the tenant's players whose wallet lacks money
SHARE = 0.5
#: what the platform itself would count: withdrawals that reached the funds check
COUNTED = """
    select tenant_id, to_timestamp(ceil(extract(epoch from event_time) / 30) * 30) as scraped_at, count(*) as withdrawals,
        count(*) filter (where status = 400) as refused
    from ledger_guard.access_event
    where path = '/api/v1/player/wallet/withdraw' and event_time >= %(start)s and event_time < %(end)s
        and (status between 200 and 299 or error_code = 'INSUFFICIENT_FUNDS')
    group by 1, 2
"""
#: a warehouse beside the platform
WAREHOUSE = """
    create schema warehouse;
    create view warehouse.withdrawals as
        select event_time as at, tenant_id, status = 400 as is_refused from ledger_guard.access_event
        where path = '/api/v1/player/wallet/withdraw' and (status between 200 and 299 or error_code = 'INSUFFICIENT_FUNDS')
"""
QUERY = """
    select date_bin('5 minutes', at, timestamptz '2026-01-01Z') as window_start, tenant_id,
           count(*) filter (where is_refused) as events, count(*) as exposure
    from warehouse.withdrawals where at >= :start and at < :end group by 1, 2
"""


class Counters:
    """The platform's counters, as a Prometheus scrapes them every thirty seconds."""

    def __init__(self, url: str, uri: str) -> None:
        self._url, self._uri = url, uri
        self._counts: dict[tuple[str, str], int] = {}

    def scrape(self, start: datetime, end: datetime) -> None:
        """Bring the counts of `[start, end)` to the server."""
        with psycopg.connect(self._uri) as connection:
            tenants = [row[0] for row in connection.execute("select id from tenant order by id")]
            rows = connection.execute(COUNTED, {"start": start, "end": end}).fetchall()
        found = {(tenant, at): (withdrawals, refused) for tenant, at, withdrawals, refused in rows}
        series = []
        for place, name in enumerate(("withdrawals_total", "withdrawals_refused_total")):
            for tenant in tenants:
                samples, moment = [], start
                count = self._counts.get((name, tenant), 0)
                while moment <= end:
                    if moment > start or (name, tenant) not in self._counts:
                        count += found.get((tenant, moment), (0, 0))[place] if moment > start else 0
                        samples.append((moment, float(count)))
                    moment += SCRAPE
                self._counts[name, tenant] = count
                series.append(({"__name__": name, "tenant": tenant, "instance": "wallet-1"}, samples))
        write(self._url, series)


#: a source's section, and what brings a span of the platform's life to it
Counted = tuple[Source, Callable[[datetime, datetime], None]]


@pytest.fixture
def scraped(platform_uri) -> Iterator[Counted]:
    if why := why_there_is_none():
        pytest.skip(why)
    with running_prometheus() as url:
        names = ("withdrawals_refused_total", "withdrawals_total")
        events, exposure = (f"sum by (tenant) (increase({name}[$window]))" for name in names)
        yield Prometheus(kind="prometheus", url=url, events=events, exposure=exposure), Counters(url, platform_uri).scrape


@pytest.fixture
def asked_in_sql(platform_uri, monkeypatch) -> Counted:
    with psycopg.connect(platform_uri) as connection:
        connection.execute(WAREHOUSE)
    server = psycopg.conninfo.conninfo_to_dict(platform_uri)
    found = {"conn_type": "postgres", "host": server["host"], "login": server["user"], "schema": server["dbname"]}
    found |= {name: server[name] for name in ("port", "password") if name in server}
    monkeypatch.setenv("AIRFLOW_CONN_METRICS_DB", json.dumps(found))
    return SqlQuery(kind="sql", connection="metrics_db", query=QUERY, times="zoned"), lambda _start, _end: None


class Story:
    """A guard over the sandbox whose T1 reads counts."""

    def __init__(self, uri: str, counted: Counted) -> None:
        source, self._bring = counted
        shipped = load_policy()
        described = shipped.trigger(T1).model_copy(update={"source": source})
        # one day of history instead of the demo's three: the fault is larger, and so is what may be written for it
        roomy = shipped.guardrails.model_copy(update={"max_share_of_players": 0.8, "max_total_delta_cents": 10**8})
        changes = {"triggers": {**shipped.triggers, T1: described}, "guardrails": roomy}
        self.policy: Policy = shipped.model_copy(update=changes)
        assert signal_problems(self.policy) == []
        self.uri, self._rng, self.now = uri, np.random.default_rng(3), AS_OF
        settings = ConnectionSettings.parse(uri, "ledger_db")
        world: MemoryWorld = memory_world(self.policy, AS_OF)
        self.world = world
        self.deps = replace(
            world.deps,
            state=PostgresGuardState(settings),
            signals=signal_sources(settings, settings, self.policy, world.clock),
            triage=PostgresTriageSource(settings, settings, self.policy),
            ledger=PostgresLedgerStore(settings, self.policy),
            backfill=PostgresBackfillRunner(settings, settings, self.policy, world.wall_clock),
        )
        world.flags.put("ledger_enforce_balance", "*", is_enabled=True)
        traffic_history(uri, AS_OF, self._rng, length=DAY)
        self._bring(AS_OF - DAY, AS_OF)

    def live(self, windows: int = 1) -> ClassifyOutcome:
        """Some more minutes pass on the platform, and the guard looks at each window."""
        for _ in range(windows):
            play(self.uri, self.now, self.now + FIVE, self._rng)
            self._bring(self.now, self.now + FIVE)
            self.now += FIVE
            outcome = self.look()
        return outcome

    def look(self) -> ClassifyOutcome:
        # the sources count as complete two minutes after things happened
        for clock in (self.world.clock, self.world.wall_clock):
            clock.advance(self.now + timedelta(seconds=130) - clock.now())
        assert is_ready(self.deps, T1)
        sense(self.deps, T1)
        return classify(self.deps, T1)

    def backfill(self, run: dict) -> str:
        """A run of tenant_backfill, task by task."""
        conf = run["conf"]
        started = StartedRun("tenant_backfill", run["trigger_run_id"], None, is_started_by_run=True, conf=conf)
        on_record = RunOnRecord(self.deps, started)
        plan = backfill_run.plan_run(self.deps, conf, on_record.requester)
        assert backfill_run.next_tasks(self.deps, plan, conf) == ["force"]
        backfill_run.force_run(self.deps, conf, plan, on_record.requester, lambda _: None)
        verified = backfill_run.verify_run(self.deps, conf, plan)
        return close_run(on_record, conf, plan, verified)[1]


@pytest.mark.parametrize("source", ["scraped", "asked_in_sql"])
def test_a_backfill_fault_is_sensed_repaired_and_over(platform_uri, request, source):
    story = Story(platform_uri, request.getfixturevalue(source))
    assert story.look().change is Change.QUIET

    tenant = scenarios.pick_tenant_for_t1(platform_uri, story.policy.guardrails, SHARE)
    scenarios.t1_stale_wallets(platform_uri, tenant, SHARE)
    opened = next(found for _ in range(6) if (found := story.live()).severity is Severity.SEVERE)
    assert (opened.change in (Change.OPENED, Change.ESCALATED), opened.scope) == (True, Scope.ISOLATED)
    assert decide(story.deps, opened).branch == "remediate"

    case = open_case(story.deps, {"incident_id": opened.incident_id}, GUARD_ITSELF, "remediation__1")
    assert case.actions == ("triage", "backfill", "request_review")
    assert task_of("backfill") == "list_backfills"
    do_step(story.deps, case, "triage")
    do_step(story.deps, case, "request_review")
    [run] = runs_to_start(story.deps, case, "backfill")
    assert run["conf"]["tenant_id"] == tenant
    ended = story.backfill(run)
    assert settle_runs(story.deps, case, lambda *_: "success")
    assert recovery(story.deps, case) is Recovery.WAITING

    assert story.live(4).change is not Change.BLIND
    assert recovery(story.deps, case) is Recovery.RECOVERED
    report = report_case(story.deps, case, Recovery.RECOVERED.value)
    assert report.startswith("Repaired, and the signal recovered: the incident is resolved.")
    assert ended in report
    told = "not known: the source only counts, it names no players. Of all players of the tenant 4"
    assert told in report
