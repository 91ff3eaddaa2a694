"""`python -m benchmarks sensing storage [--full]`: what a day of a fleet takes on the disk, and a year with the retention.

Rows are what the guard itself stores: verdicts and their reasons come from the real engine, hourly sums from the real roll-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table
from typing_extensions import LiteralString

from benchmarks.detection.speed import healthy_traffic, tenant_names
from benchmarks.sensing.stage import partitioned, server
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.money_at_risk import with_money
from ledger_guard.domain.partitions import Period
from ledger_guard.domain.signals import MoneyAtRisk, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.signals.registry import nouns_of

FLEET = 10_000
DAY = Period(datetime(2026, 3, 1, tzinfo=timezone.utc), datetime(2026, 3, 2, tzinfo=timezone.utc))
LENGTH = timedelta(minutes=5)
A_DAY = 288
#: windows that an engine sees before the one whose verdicts are stored
LEARNED = 48
EVENTS = 500_000
#: of all verdicts, those that stay as evidence: what the policy's bounds on false alarms allow, with room for real trouble
EVIDENCE_SHARE = 0.001
GIB = 2**30

_READINGS: LiteralString = """
    insert into ledger_guard.signal_window
        (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects, at_risk_cents, without_amount)
    select trigger, start, tenant, 300, floor(random() * 3), floor(random() * 200), floor(random() * 3), 0, 0
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', interval '5 minutes') start,
        unnest(%(triggers)s::text[]) trigger, unnest(%(tenants)s::text[]) tenant
"""
_MORE_VERDICTS: LiteralString = """
    insert into ledger_guard.verdict
        (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons)
    select trigger, window_start + n * interval '5 minutes', tenant_id, window_seconds, severity, scope, sentence, reasons
    from generate_series(1, 287) n, ledger_guard.verdict
"""
_EVENTS: LiteralString = """
    insert into ledger_guard.access_event
        (event_key, event_time, tenant_id, subject_id, method, path, status, error_code, amount_cents)
    select 'request:' || encode(sha256(n::text::bytea), 'hex'), %(start)s + n * interval '0.1 seconds',
        'tenant-' || lpad((n %% 10000)::text, 6, '0'),
        gen_random_uuid()::text, 'POST', '/api/v1/player/wallet/withdraw', 200, null, 1000
    from generate_series(1, %(rows)s) n
"""


@dataclass(frozen=True)
class Taken:
    """What one table took."""

    table: str
    rows: int
    size_bytes: int

    @property
    def bytes_a_row(self) -> float:
        """With its indexes."""
        return self.size_bytes / self.rows


def measure(tenants: int) -> dict[str, Taken]:
    """Store one day of a fleet and measure it."""
    policy, names = load_policy(), tenant_names(tenants)
    with server() as embedded:
        uri, state = partitioned(embedded, "bench_storage", DAY.starts, DAY.starts)
        with psycopg.connect(uri, autocommit=True) as connection:
            triggers = [trigger.value for trigger in policy.triggers]
            day = {"start": DAY.starts, "end": DAY.ends}
            connection.execute(_READINGS, {**day, "triggers": triggers, "tenants": list(names)})
            for trigger in policy.triggers:
                _judge_one_window(state, policy, trigger, names)
            connection.execute(_MORE_VERDICTS)
            connection.execute(_EVENTS, {**day, "rows": EVENTS})
            with state.transaction() as transaction:
                transaction.partitions.roll_up(DAY)
            connection.execute("vacuum analyze")
            tables = ("access_event", "signal_window", "verdict", "reading_hours")
            return {table: _taken(connection, table) for table in tables}


def _judge_one_window(state: PostgresGuardState, policy: Policy, trigger: Trigger, names: tuple[str, ...]) -> None:
    """Store what the real engine says of the day's first window, after windows to learn from."""
    engine = make_engine(policy, trigger, nouns=nouns_of(policy, trigger))
    for number, (attempts, failures) in enumerate(healthy_traffic(len(names), LEARNED)):
        judged = engine.judge(
            WindowBatch(
                window=Window(DAY.starts - (LEARNED - 1 - number) * LENGTH, LENGTH),
                tenant_ids=names,
                events=failures,
                exposure=attempts.astype(np.float64),
                subjects=np.minimum(failures, 3).astype(np.float64),
                cents=np.zeros(len(names)),
                is_complete=True,
                incomplete_reason="",
                quarantined=frozenset(),
            )
        )
    verdicts = [with_money(judged.verdict(index), MoneyAtRisk(0), policy.platform.currency) for index in range(len(judged))]
    with state.transaction() as transaction:
        transaction.verdicts.record(verdicts, None)


def _taken(connection: psycopg.Connection[tuple[object, ...]], table: str) -> Taken:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier("ledger_guard", table))
    sizes = """
        select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = to_regclass('ledger_guard.' || %s)
    """
    rows, size = connection.execute(query).fetchone(), connection.execute(sizes, [table]).fetchone()
    assert rows is not None
    assert size is not None
    return Taken(table, int(str(rows[0])), int(str(size[0])))


def year_of(found: dict[str, Taken], policy: Policy) -> dict[str, tuple[float, float]]:
    """By table: GiB that a day of 10,000 tenants takes, and the most that stands in a year; events a million a day."""
    keep, judged = policy.retention, FLEET * len(policy.triggers) * A_DAY
    # the day that is being written, and the one that is not dropped yet
    more = 2
    a_day = {
        "signal_window": found["signal_window"].bytes_a_row * judged / GIB,
        "verdict": found["verdict"].bytes_a_row * judged / GIB,
        "reading_hours": found["reading_hours"].bytes_a_row * FLEET * len(policy.triggers) / GIB,
        "access_event": found["access_event"].bytes_a_row * 1e6 / GIB,
    }
    a_day["kept_verdict"] = a_day["verdict"] * EVIDENCE_SHARE
    days = {
        "signal_window": keep.readings_days + more,
        "verdict": keep.verdicts_days + more,
        "reading_hours": 365,
        "kept_verdict": 365,
        "access_event": keep.events_days + more,
    }
    return {table: (size, size * days[table]) for table, size in a_day.items()}


def report(*, full: bool) -> None:
    """Measure, and print a day and a year. `full`: all tenants, 8 GB on the disk, some minutes."""
    tenants = FLEET if full else 500
    policy, found = load_policy(), measure(tenants)
    year = year_of(found, policy)
    table = Table(title=f"a day of {tenants:,} tenants, {len(policy.triggers)} signals, stored and measured; scaled to {FLEET:,}")
    for column in ("table", "rows measured", "bytes a row", "GiB a day", "GiB that stand, at most"):
        table.add_column(column, justify="left" if column == "table" else "right")
    for name, (a_day, standing) in year.items():
        taken = found.get(name)
        rows, of_row = (f"{taken.rows:,}", f"{taken.bytes_a_row:,.0f}") if taken else ("", "")
        note = " (a million a day)" if name == "access_event" else ""
        table.add_row(name + note, rows, of_row, f"{a_day:,.2f}", f"{standing:,.1f}")
    console = Console(width=120)
    console.print(table)
    total = sum(standing for name, (_, standing) in year.items() if name != "access_event")
    without = sum(a_day * 365 for name, (a_day, _) in year.items() if name in ("signal_window", "verdict"))
    events = year["access_event"][1]
    console.print(f"a year of {FLEET:,} tenants: {total:,.0f} GiB, and {events:,.1f} for each million events a day")
    console.print(f"the same year if nothing were dropped: {without:,.0f} GiB, {without / total:,.0f} times as much")
