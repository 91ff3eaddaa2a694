"""What is measured: reading the lines, storing the events, and both together, beside a bare COPY of the same rows."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.table import Table

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.stage import seconds
from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.log_file import AccessLogFile
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.domain.access_events import AccessEvent, NamedTenants
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.ingest.ingest_access_log import BATCH_LINES, ingest_access_log
from ledger_sandbox.postgres import EmbeddedPostgres

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
TENANTS = 200
MAPPING = "ingress_json"
COPY_BYTES = 1 << 20
_COLUMNS = attrgetter(*(each.name for each in fields(AccessEvent)))
_NAMES = ", ".join(each.name for each in fields(AccessEvent))


@dataclass(frozen=True)
class Measured:
    """Median seconds for so many lines, and medians of the rounds' ratios."""

    lines: int
    megabytes: float
    floor: float
    parse: float
    store: float
    store_known: float
    ingest: float
    #: of the floor's speed, 1 being as fast
    store_of_floor: float
    ingest_of_floor: float


def measure(server: EmbeddedPostgres, lines: int, rounds: int) -> Measured:
    """Write a log, and time each thing in turn, on emptied tables."""
    uri = server.create_database("bench_ingest")
    settings = ConnectionSettings.parse(uri, "ledger_guard_db")
    upgrade(settings)
    _execute(uri, "create table ledger_guard.floor (like ledger_guard.access_event including all)")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "access.log"
        path.write_text("".join(_line(number, lines, random.Random(number)) for number in range(lines)))
        events = [entry for entry in _log(path).entries() if isinstance(entry, AccessEvent)]
        rendered = "".join("\t".join(map(_rendered, _COLUMNS(event))) + "\n" for event in events).encode()
        works: dict[str, Callable[[], object]] = {
            "floor": lambda: _bare_copy(uri, rendered),
            "parse": lambda: sum(1 for _ in _log(path).entries()),
            "store": lambda: _store(settings, events),
            "store known": lambda: _store(settings, events),
            "ingest": lambda: _ingest(settings, path),
        }
        rounds_took = [{name: _emptied_for(uri, name, work) for name, work in works.items()} for _ in range(rounds)]
        megabytes = path.stat().st_size / 1e6
    middle = {name: statistics.median(took[name] for took in rounds_took) for name in works}
    return Measured(
        len(events),
        megabytes,
        middle["floor"],
        middle["parse"],
        middle["store"],
        middle["store known"],
        middle["ingest"],
        statistics.median(took["floor"] / took["store"] for took in rounds_took),
        statistics.median(took["floor"] / took["ingest"] for took in rounds_took),
    )


def ingest_table(found: Measured) -> Table:
    """Seconds and lines a second, beside the bare COPY."""
    table = Table(title=f"Ingest {found.lines:,} JSON lines, {found.megabytes:.0f} MB, all new", title_justify="left")
    for heading in ("what", "took", "lines/s", "of the floor's speed"):
        table.add_column(heading)
    floor = "floor: COPY of the rendered rows, a table with the same indices"
    for what, took, share in (
        (floor, found.floor, "1"),
        ("read the lines (no database)", found.parse, ""),
        ("store the events", found.store, f"{found.store_of_floor:.2f}"),
        ("store them again: all known", found.store_known, ""),
        ("ingest access-log: read and store", found.ingest, f"{found.ingest_of_floor:.2f}"),
    ):
        table.add_row(what, f"{took:.2f} s", f"{found.lines / took:,.0f}", share)
    return table


def goals(found: Measured) -> list[Goal]:
    """What is wanted, beside what was measured."""
    return [Goal.at_least("store events, against a bare COPY", found.store_of_floor, 0.5)]


def _line(number: int, lines: int, rng: random.Random) -> str:
    """A day of withdrawals and webhooks, in order; one in ten fails."""
    failed, is_webhook = rng.random() < 0.1, rng.random() < 0.2
    fields_ = {
        "timestamp": (NOW - timedelta(hours=24) + timedelta(hours=24) * number / lines).isoformat(),
        "tenant_id": f"casino_{rng.randrange(TENANTS)}",
        "subject_id": f"p-{rng.randrange(10**6)}",
        "method": "POST",
        "path": "/api/v1/payments/webhook/mockpsp" if is_webhook else "/api/v1/player/wallet/withdraw",
        "status": 400 if failed else 200,
        "error_code": "INSUFFICIENT_FUNDS" if failed else "",
        "amount": f"{rng.random() * 100:.2f}",
        "request_id": f"{rng.getrandbits(128):032x}",
        "remote_addr": "203.0.113.7",
    }
    return json.dumps(fields_) + "\n"


def _log(path: Path) -> AccessLogFile:
    policy = load_policy()
    mapping, requests = policy.access_log[MAPPING], list(policy.access_events().values())
    known = NamedTenants(lambda: [f"casino_{number}" for number in range(TENANTS)])
    return AccessLogFile(path, "jsonl", MAPPING, mapping, LineEvents(mapping, None, NOW, requests, known))


def _emptied_for(uri: str, name: str, work: Callable[[], object]) -> float:
    if name != "store known":
        _execute(uri, "truncate ledger_guard.floor, ledger_guard.access_event")
    return seconds(work)


def _bare_copy(uri: str, rendered: bytes) -> None:
    query = f"copy ledger_guard.floor ({_NAMES}) from stdin"
    with psycopg.connect(uri) as connection, connection.cursor() as cursor, cursor.copy(query) as copy:
        for start in range(0, len(rendered), COPY_BYTES):
            copy.write(rendered[start : start + COPY_BYTES])


def _store(settings: ConnectionSettings, events: list[AccessEvent]) -> None:
    with PostgresAccessEventStore(settings).delivery() as delivery:
        for start in range(0, len(events), BATCH_LINES):
            delivery.add(events[start : start + BATCH_LINES])


def _ingest(settings: ConnectionSettings, path: Path) -> None:
    ingest_access_log(memory_world(load_policy(), NOW).deps, PostgresAccessEventStore(settings), [_log(path)], actor="bench")


def _execute(uri: str, text: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute(text.encode())


def _rendered(content: object) -> str:
    """A value as COPY's text format has it."""
    if content is None:
        return r"\N"
    return str(content).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
