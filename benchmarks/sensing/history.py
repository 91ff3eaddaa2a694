"""`python -m benchmarks sensing history [--full]`: sense with a long history of events against a short one.

Both platforms have the same traffic; the long one has had it for longer. Each gets its next windows in turn, in one run.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import psycopg
from rich.console import Console
from typing_extensions import LiteralString

from benchmarks.sensing.stage import partitioned, server
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.partitions import Step, periods
from ledger_guard.domain.signals import Trigger
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.health_check.sense import is_ready, sense
from ledger_guard.wiring import signal_sources
from ledger_sandbox.postgres import EmbeddedPostgres

GOAL = 1.2
SHORT, LONG, FULL = 1_000_000, 10_000_000, 50_000_000
#: events a day of both: the full history is a month of it
A_DAY = 1_666_667
TENANTS = 500
LENGTH = timedelta(minutes=5)
END = datetime(2026, 3, 31, 12, tzinfo=timezone.utc)
T1, T2 = Trigger("T1"), Trigger("T2")

_EVENTS = """
    insert into {table}
        (event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, amount_cents)
    select 'request:' || md5(n::text) || md5('x' || n), %(end)s - n * %(apart)s,
        'tenant-' || lpad((n %% %(tenants)s)::text, 6, '0'),
        'player-' || n %% 50000, 'POST',
        case when n %% 2 = 0 then '/api/v1/player/wallet/withdraw' else '/api/v1/payments/webhook/psp' end,
        case when n %% 2 = 1 then 'psp' end,
        case when n %% 97 = 0 then case when n %% 2 = 0 then 400 else 401 end else 200 end,
        case when n %% 97 = 0 then case when n %% 2 = 0 then 'INSUFFICIENT_FUNDS' else 'WEBHOOK_SIGNATURE_INVALID' end end,
        case when n %% 2 = 0 then 1000 end
    from generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
#: a slice is filled before it has indexes: ten times as fast
_SLICE = """
    create table ledger_guard.{name} (like ledger_guard.access_event including defaults);
"""
_INDEXED = """
    alter table ledger_guard.{name} add primary key (event_key, event_time);
    create index on ledger_guard.{name} (event_time);
    alter table ledger_guard.access_event attach partition ledger_guard.{name} for values from ('{starts}') to ('{ends}');
"""
_SENSED: LiteralString = """
    insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at)
    select trigger, start, 300, 'complete', '', start
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', interval '5 minutes') start,
        unnest(array['T1', 'T2']) trigger
"""
_READ: LiteralString = """
    insert into ledger_guard.signal_window (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects)
    select trigger, window_start, 'tenant-' || lpad(tenant::text, 6, '0'), 300, 0, 5, 0
    from ledger_guard.sensed_window, generate_series(0, %(tenants)s - 1) tenant
"""
_DELIVERED: LiteralString = """
    insert into ledger_guard.source_watermark (source, complete_through, updated_at) values ('access_event', %(end)s, now())
    on conflict (source) do update set complete_through = excluded.complete_through
"""


@dataclass
class Platform:
    """One history, and the cost of each window after it."""

    uri: str
    deps: Dependencies
    clock: SettableClock
    events: int
    seconds: list[float] = field(default_factory=list)

    def next_window(self, *, is_timed: bool) -> None:
        """Let a window pass and sense it, for both signals of access events."""
        end = self.clock.now()
        per_window = round(A_DAY / (timedelta(days=1) / LENGTH))
        self.run(
            _EVENTS.format(table="ledger_guard.access_event"),
            end=end + LENGTH,
            apart=LENGTH / per_window,
            tenants=TENANTS,
            first=1,
            last=per_window,
        )
        self.run(_DELIVERED, end=end + LENGTH)
        self.clock.advance(LENGTH)
        began = time.perf_counter()
        for trigger in (T1, T2):
            assert is_ready(self.deps, trigger)
            outcome = sense(self.deps, trigger)
            assert (outcome.windows, outcome.no_data) == (1, 0), outcome
        if is_timed:
            self.seconds.append(time.perf_counter() - began)

    def lay_down(self, apart: timedelta) -> None:
        """The events behind it, a slice after the other, and empty slices for the next day."""
        for period in periods(Step.DAY, END - self.events * apart, END + timedelta(days=1)):
            name = f"access_event_{period.starts:%Y%m%d}"
            self.run(_SLICE.format(name=name))
            first, last = max(1, _ago(period.ends, apart) + 1), min(self.events, _ago(period.starts, apart))
            if first <= last:
                text = _EVENTS.format(table=f"ledger_guard.{name}")
                self.run(text, end=END, apart=apart, tenants=TENANTS, first=first, last=last)
            self.run(_INDEXED.format(name=name, starts=period.starts, ends=period.ends))

    def run(self, text: str, **bound: object) -> None:
        """Run one statement in the database, or several without values."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(text.encode(), bound or None)


def _ago(moment: datetime, apart: timedelta) -> int:
    """The number of the last event that is no older than a moment."""
    return (END - moment) // apart


def platform(embedded: EmbeddedPostgres, events: int) -> Platform:
    """A platform with so many events behind it, all sensed."""
    policy, settled = load_policy(), timedelta(days=events / A_DAY)
    apart = settled / events
    uri, state = partitioned(embedded, f"bench_history_{events}", END - settled, END + timedelta(days=1), without="access_event")
    settings, clock = ConnectionSettings.parse(uri, "here"), SettableClock(END)
    sources = signal_sources(settings, settings, policy, clock)
    deps = replace(memory_world(policy, END).deps, state=state, signals=sources, clock=clock, wall_clock=clock)
    found = Platform(uri, deps, clock, events)
    found.lay_down(apart)
    start = max(END - settled, END - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    found.run(_SENSED, start=start, end=END)
    found.run(_READ, tenants=TENANTS)
    found.run("vacuum analyze")
    return found


def report(windows: int, *, full: bool) -> None:
    """Measure both in turn and print the ratio. `full`: 20 GB on the disk, a quarter of an hour."""
    with server() as embedded:
        began = time.perf_counter()
        both = [platform(embedded, events) for events in (SHORT, FULL if full else LONG)]
        made = time.perf_counter() - began
        for number in range(-2, windows):
            for each in both:
                # the first corrects made-up readings of the last hour, the next finds every page where it will be
                each.next_window(is_timed=number >= 0)
    short, long = (statistics.median(each.seconds) for each in both)
    console = Console(width=120)
    console.print(
        f"sense of one window, both signals of access events, {TENANTS} tenants, {A_DAY:,} events a day; made in {made:,.0f} s"
    )
    for each, middle in zip(both, (short, long), strict=True):
        console.print(f"  {each.events:>12,} events behind it: {middle * 1000:7.1f} ms (median of {len(each.seconds)})")
    # window by window: whatever else the machine does meanwhile is in both
    ratio = statistics.median(later / sooner for sooner, later in zip(both[0].seconds, both[1].seconds, strict=True))
    console.print(f"  made in {made:,.0f} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    console.print(f"  ratio {ratio:.2f} (median of the pairs); goal at most {GOAL}: {'reached' if ratio <= GOAL else 'MISSED'}")
