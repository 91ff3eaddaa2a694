"""What is measured: verification and append, each beside its floor."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import psycopg
from rich.table import Table

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.stage import seconds
from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.adapters.postgres.schema_revision import code_revision
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.audit import GENESIS_HASH, AuditEntry, AuditEvent, chained, first_fault
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKey, AuditKeys
from ledger_guard.sql import statement
from ledger_sandbox.postgres import EmbeddedPostgres

KEY = AuditKey("bench", b"k" * 32)
KEYS = AuditKeys([KEY])
BEGAN = datetime(2026, 3, 1, tzinfo=timezone.utc)
APPENDS = 1_000
#: as the guard fetches them
FETCH_ROWS = 5_000
COPY = """
    copy ledger_guard.audit_entry (
        sequence, verb, actor, subject, detail, detail_text, at, tenant_id, previous_hash, entry_hash, key_id, mac) from stdin
"""


@dataclass(frozen=True)
class Measured:
    """Median seconds, and the growth of memory."""

    entries: int
    bare_read: float
    verify: float
    verify_without_key: float
    append: float
    append_without_key: float
    #: by how much the process's peak grew from a log of a tenth of the entries to all of them
    grown_megabytes: float


def measure(server: EmbeddedPostgres, entries: int, rounds: int) -> Measured:
    """Fill two logs, a tenth as long and in full, and time each thing in turn."""
    small, full = _filled(server, "bench_small", entries // 10), _filled(server, "bench", entries)
    _verify(small, KEYS)
    peak = _peak_megabytes()
    _verify(full, KEYS)
    grown = _peak_megabytes() - peak
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, work in _works(full).items():
            took.setdefault(name, []).append(seconds(work))
    middle = {name: statistics.median(each) for name, each in took.items()}
    empty, unkeyed = _filled(server, "bench_appends", 0), _filled(server, "bench_unkeyed", 0)
    with_key, without = [], []
    for _ in range(rounds):
        with_key.append(seconds(lambda: _append(empty, KEYS)))
        without.append(seconds(lambda: _append(unkeyed, NO_KEYS)))
    return Measured(
        entries,
        middle["bare read"],
        middle["verify"],
        middle["verify without key"],
        statistics.median(with_key) / APPENDS,
        statistics.median(without) / APPENDS,
        grown,
    )


def verify_table(found: Measured) -> Table:
    """Seconds of a verification, beside the bare read."""
    table = Table(title=f"Verify {found.entries:,} entries; append", title_justify="left")
    for heading in ("what", "took", "against its floor"):
        table.add_column(heading)
    table.add_row("bare read of the rows", f"{found.bare_read:.2f} s", "1")
    table.add_row("verify without key", f"{found.verify_without_key:.2f} s", f"{found.verify_without_key / found.bare_read:.1f}x")
    table.add_row("verify with key", f"{found.verify:.2f} s", f"{found.verify / found.bare_read:.1f}x")
    table.add_row("append without key", f"{found.append_without_key * 1e3:.2f} ms", "1")
    table.add_row("append with key", f"{found.append * 1e3:.2f} ms", f"{found.append / found.append_without_key:.2f}x")
    return table


def goals(found: Measured) -> list[Goal]:
    """What is wanted, beside what was measured."""
    return [
        Goal.at_most("verify, a hundred thousand entries", found.verify * 100_000 / found.entries, 10, "s"),
        Goal.at_most("verify with key against a bare read", found.verify / found.bare_read, 8, "x"),
        Goal.at_most("memory grown from a tenth of the log to all of it", found.grown_megabytes, 10, "MB"),
        Goal.at_most("append with key against one without", found.append / found.append_without_key, 1.25, "x"),
    ]


def _works(uri: str) -> dict[str, Callable[[], None]]:
    return {
        "bare read": lambda: _read(uri),
        "verify": lambda: _verify(uri, KEYS),
        "verify without key": lambda: _verify(uri, None),
    }


def _filled(server: EmbeddedPostgres, name: str, entries: int) -> str:
    uri = server.create_database(name)
    upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
    last: AuditEntry | None = None
    with psycopg.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("select set_config('ledger_guard.revision', %s, true)", [code_revision()])
        with cursor.copy(COPY) as copy:
            for last in _entries(entries):
                event, text = last.event, stored_json(last.event.detail)
                what = (event.verb, event.actor, event.subject, text, text, event.at, event.tenant_id)
                copy.write_row((last.sequence, *what, last.previous_hash, last.entry_hash, last.key_id, last.mac))
        if last is not None:
            cursor.execute("alter table ledger_guard.audit_head disable trigger audit_head_moves_on")
            query = "update ledger_guard.audit_head set sequence = %s, entry_hash = %s, key_id = %s"
            cursor.execute(query, (last.sequence, last.entry_hash, last.key_id))
            cursor.execute("alter table ledger_guard.audit_head enable trigger audit_head_moves_on")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("vacuum analyze ledger_guard.audit_entry")
    return uri


def _entries(count: int) -> Iterator[AuditEntry]:
    previous = GENESIS_HASH
    for number in range(1, count + 1):
        entry = chained(number, _event(number), previous, KEY)
        previous = entry.entry_hash
        yield entry


def _event(number: int) -> AuditEvent:
    """What a backfill writes for each of its batches."""
    span = {"after_player_id": f"player-{number}", "last_player_id": f"player-{number + 1}"}
    detail = {"plan_hash": GENESIS_HASH, "applied": 500, "drifted": 0, **span}
    at = BEGAN + timedelta(seconds=number)
    return AuditEvent("force", "ledger_guard", f"plan:{number % 100}", detail, at, tenant_id=f"tenant-{number % 50}")


def _read(uri: str) -> None:
    with psycopg.connect(uri) as connection, connection.cursor("bare") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(statement("guard/select_audit_entries"), {"incident_id": None, "tenant_id": None})
        for _ in cursor:
            pass


def _verify(uri: str, keys: AuditKeys | None) -> None:
    state = PostgresGuardState(ConnectionSettings.parse(uri, "ledger_guard_db"))
    with state.snapshot() as transaction:
        fault = first_fault(transaction.audit.entries(), *transaction.audit.head(), keys)
    assert fault is None, fault


def _append(uri: str, keys: AuditKeys) -> None:
    state = PostgresGuardState(ConnectionSettings.parse(uri, "ledger_guard_db"), keys)
    with state.transaction() as transaction:
        for number in range(APPENDS):
            transaction.audit.append(_event(number))


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
