"""A day's events, shuffled, duplicated, delayed, rotated, compressed, followed by processes that are killed: as if read once."""

import json
import multiprocessing
import random
import signal
from datetime import datetime, timedelta

import psycopg
import pytest
from access_lines import JSON_LINE, NOW, POLICY, UTC, WITHDRAW
from disturbed_follower import apply, follow_disturbed
from following import Following

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.access_events import AccessEventSource
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]

MIDNIGHT = datetime(2026, 2, 28, tzinfo=UTC)
EVENTS = 800
GROUPS = 36
#: function calls of a follower, about, until it has begun, and for each batch, most of them for its connection
CALLS_TO_BEGIN, CALLS_OF_A_BATCH = 8_000, 6_000
WEBHOOK = "/api/v1/payments/webhook/mockpsp"


def event_line(number, rng):
    fields = {
        "request_id": f"req-{number:05}",
        "timestamp": (MIDNIGHT + timedelta(seconds=number * 86_400 / EVENTS)).isoformat(),
        "tenant_id": f"casino_{rng.randrange(5)}",
        "subject_id": f"p-{rng.randrange(50)}",
    }
    kind = rng.random()
    if kind < 0.3:
        fields |= {
            "path": WEBHOOK,
            "status": rng.choice([200, 401]),
            "error_code": "SIGNATURE_INVALID",
            "remote_addr": "203.0.113.7",
        }
    elif kind < 0.6:
        fields |= {"status": 200, "error_code": ""}
    elif kind < 0.65:
        # may hide a request, and says when
        fields |= {"status": "none"}
    return json.dumps({**json.loads(JSON_LINE), "path": WITHDRAW, **fields}) + "\n"


def edge_lines(number):
    """Equal lines without an id, which are as many requests."""
    at = MIDNIGHT + timedelta(seconds=number * 7)
    line = f'10.0.0.9 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /t/casino_a/healthz HTTP/1.1" 200 81 "-" "probe"\n'
    return line * (1 + number % 4)


def the_day(rng):
    """Lines as they happened, and what is written to the folder, in what order."""
    once = [event_line(number, rng) for number in range(EVENTS)]
    edge = [edge_lines(number) for number in range(GROUPS)]
    noise = [f"service.boot {number}\n" for number in range(GROUPS)]
    # duplicated; then shuffled within hours, and some of them much later
    arrivals = [(number + rng.random() * 60, line) for number, line in enumerate(once)]
    arrivals += [
        (number + rng.random() * 300, line) for number, line in enumerate(once) if "none" not in line and rng.random() < 0.2
    ]
    arrivals = [(at + (400 if rng.random() < 0.05 else 0), line) for at, line in arrivals]
    written = [line for _, line in sorted(arrivals)]
    changes, size = [], -(-len(written) // GROUPS)
    for group in range(GROUPS):
        text = "".join(written[group * size : (group + 1) * size]) + noise[group]
        cut = rng.randrange(1, len(text))
        changes += [
            ("append", "access.log", text[:cut]),
            ("append", "access.log", text[cut:]),
            ("append", "edge.log", edge[group]),
        ]
        for name in ("access.log", "edge.log"):
            kind = rng.random()
            if kind < 0.1:
                changes.append(("rename", name))
            elif kind < 0.2:
                changes.append(("copy_and_empty", name))
            elif kind < 0.3:
                changes.append(("compress", name, rng.choice([".gz", ".zst"])))
    return once, edge, noise, changes


def stored(uri):
    """Every event and unreadable line, and how many lines were rejected: counted, and kept."""
    with psycopg.connect(uri) as connection:
        events = connection.execute("select * from ledger_guard.access_event order by event_key").fetchall()
        hiding = connection.execute("select * from ledger_guard.unreadable_line order by line_key").fetchall()
        counted = connection.execute("select sum(rejected) from ledger_guard.ingest_file").fetchone()
        kept = connection.execute("select count(*) from ledger_guard.ingest_reject").fetchone()
    return events, hiding, counted, kept


def lines_read(uri):
    """Of all files together: a line that was read twice counts twice."""
    with psycopg.connect(uri) as connection:
        return connection.execute("select sum(lines) from ledger_guard.ingest_file").fetchone()[0]


def readings(uri):
    settings = ConnectionSettings.parse(uri, "ledger_guard_db")
    first = Window(MIDNIGHT, timedelta(minutes=5))
    last = Window(NOW - timedelta(minutes=5), timedelta(minutes=5))
    found = []
    for trigger, shape in POLICY.access_events().items():
        source = AccessEventSource(settings, shape, POLICY.sensing.most_unreadable_share)
        found.append((source.readings(Trigger(trigger), first, last), source.unmeasurable(Trigger(trigger), first, last)))
    return found


def followed_once(uri, folder):
    store = PostgresAccessEventStore(ConnectionSettings.parse(uri, "ledger_guard_db"))
    following = Following(folder, store, memory_world(POLICY, NOW), batch=500)
    return following.look(is_last=True)


@pytest.mark.parametrize("seed", [1])
def test_whatever_happens_to_the_files_and_the_follower_all_is_stored_once(tmp_path, database_uri, second_database_uri, seed):
    rng = random.Random(seed)
    once, edge, noise, changes = the_day(rng)
    clean, folder = tmp_path / "clean", tmp_path / "logs"
    clean.mkdir()
    folder.mkdir()
    (clean / "access.log").write_text("".join([*once, *noise]))
    (clean / "edge.log").write_text("".join(edge))
    followed_once(second_database_uri, clean)

    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["disturbed_follower"])
    done, kills, number = tmp_path / "done", 0, 0
    while number < len(changes):
        count = min(rng.randrange(1, 8), len(changes) - number)
        moments = sorted(rng.randrange(CALLS_TO_BEGIN + count * CALLS_OF_A_BATCH) for _ in range(count))
        coming = [(at, number + place, changes[number + place]) for place, at in enumerate(moments)]
        dies_at = rng.randrange(1, CALLS_TO_BEGIN + count * CALLS_OF_A_BATCH)
        done.write_text(str(number - 1))
        process = processes.Process(target=follow_disturbed, args=(database_uri, str(folder), coming, str(done), dies_at))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        kills += process.exitcode == -signal.SIGKILL
        for left in range(int(done.read_text()) + 1, number + count):
            apply(folder, changes[left])
        number += count
    assert kills >= 20
    found = followed_once(database_uri, folder)
    assert (found.held, found.lost) == ([], [])
    assert followed_once(database_uri, folder).accepted == 0

    written = "".join(change[2] for change in changes if change[0] == "append")
    assert lines_read(database_uri) == written.count("\n")
    assert stored(database_uri) == stored(second_database_uri)
    assert readings(database_uri) == readings(second_database_uri)
    assert sum(len(each) for each, _ in readings(database_uri)) > 200
