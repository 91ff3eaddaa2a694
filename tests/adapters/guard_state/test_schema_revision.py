"""Guard state of another release: whatever opens a session with it refuses, and so does the database itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from tests.adapters.guard_state.samples import NOON, an_event
from tests.other_releases import AHEAD, OURS, SENTENCES, everything_in, make, say
from tests.triggers import T2

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres import migrate
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.schema_revision import code_revision, known_revisions, open_guard_state, require_this_release
from ledger_guard.adapters.postgres.state import GuardRepositories, PostgresGuardState, guard_state_errors
from ledger_guard.adapters.signal_sources.access_events import AccessEventSource
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.domain.audit_keys import AuditKey, AuditKeys
from ledger_guard.domain.errors import SchemaMismatch, SourceUnavailable
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy

pytestmark = pytest.mark.postgres

POLICY = load_policy()
ADAPTERS = Path(migrate.__file__).parents[1]
KEYS = AuditKeys([AuditKey("2026-03", b"k" * 32)])


@pytest.fixture(scope="module", params=sorted(SENTENCES))
def release(
    request: pytest.FixtureRequest, own_database: Callable[..., AbstractContextManager[str]]
) -> Iterator[tuple[str, str]]:
    """A database of each other release, and what is said about it."""
    with own_database(template=None) as uri:
        make(uri, request.param)
        yield uri, SENTENCES[request.param]


def entered(block: AbstractContextManager[object]) -> None:
    with block:
        pass


#: everything that opens guard state
OPENERS: dict[str, Callable[[ConnectionSettings], object]] = {
    "a transaction": lambda at: entered(PostgresGuardState(at).transaction()),
    "a snapshot": lambda at: entered(PostgresGuardState(at).snapshot()),
    "force": lambda at: PostgresBackfillRunner(at, at, POLICY, SettableClock(NOON)).force(new_id(), "oncall", 10),
    "undo": lambda at: PostgresBackfillRunner(at, at, POLICY, SettableClock(NOON)).undo(new_id(), "oncall", 10),
    "a delivery of access events": lambda at: entered(PostgresAccessEventStore(at).delivery()),
    "readings of access events": lambda at: AccessEventSource(at, POLICY.triggers[T2].source, 0.1).readings(
        T2, *[Window(NOON, timedelta(minutes=5))] * 2
    ),
    "triage of access events": lambda at: PostgresTriageSource(at, at, POLICY).failures_by_provider(T2, NOON, NOON),
    "the first question of each process": require_this_release,
}


@pytest.mark.parametrize("opener", OPENERS)
def test_whatever_opens_guard_state_of_another_release_refuses_in_one_sentence(release, opener):
    uri, sentence = release
    before = everything_in(uri)
    with pytest.raises(SchemaMismatch) as refusal:
        OPENERS[opener](ConnectionSettings.parse(uri, "ledger_guard_db"))
    assert str(refusal.value) == sentence
    assert everything_in(uri) == before


def test_only_what_is_tried_here_opens_guard_state():
    """A new opener of guard state goes through open_guard_state and is tried above; the migrations open it as it is."""
    files = {file.relative_to(ADAPTERS).as_posix(): file.read_text(encoding="utf-8") for file in ADAPTERS.rglob("*.py")}
    through = {name for name, text in files.items() if "open_guard_state(" in text or ", open_guard_state)" in text}
    assert through == {
        "postgres/backfill.py",
        "postgres/schema_revision.py",
        "postgres/state.py",
        "signal_sources/access_events.py",
        "signal_sources/triage.py",
    }
    past_it = {name for name, text in files.items() if re.search(r"guard\w*\.open\(", text)}
    assert past_it == set()


def test_guard_state_of_this_release_is_opened(guard_settings):
    require_this_release(guard_settings)
    with open_guard_state(guard_settings, "test", read_only=True) as connection:
        assert connection.autocommit is False
        assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_a_database_that_does_not_answer_is_no_mismatch():
    """Whoever uses guard state says so; what needs none of it goes on."""
    require_this_release(ConnectionSettings.parse("postgresql://guard@127.0.0.1:1/none", "ledger_guard_db"))


def test_the_revisions_known_by_name_are_those_of_the_migrations():
    """Read from the names of the files, so that no process loads Alembic to compare one word."""
    scripts = ScriptDirectory.from_config(migrate._config())
    assert set(known_revisions()) == {script.revision for script in scripts.walk_revisions()}
    assert code_revision() == migrate.newest_revision()


# --- the database itself -------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(database_uri: str) -> ConnectionSettings:
    """Guard state whose log has one marked entry."""
    settings = ConnectionSettings.parse(database_uri, "ledger_guard_db")
    with PostgresGuardState(settings, KEYS).transaction() as state:
        state.audit.append(an_event())
    return settings


def entries(settings: ConnectionSettings) -> list[str | None]:
    with PostgresGuardState(settings, KEYS).snapshot() as state:
        return [entry.key_id for entry in state.audit.entries()]


def test_a_release_that_does_not_ask_adds_nothing_to_the_log(keyed):
    """As earlier ones do: a session without a revision, entries without a mark."""
    with (
        pytest.raises(SourceUnavailable, match=f"guard state is at revision {OURS}, this session was opened for none"),
        guard_state_errors(),
        keyed.open("guard_state") as connection,
    ):
        connection.execute(
            "insert into ledger_guard.audit_entry (sequence, verb, actor, subject, detail, detail_text, at, previous_hash,"
            " entry_hash) values (2, 'force', 'x', 'y', '{}', '{}', now(), '', '')"
        )
    assert entries(keyed) == ["2026-03"]


def appended_after_an_upgrade(settings: ConnectionSettings) -> None:
    with PostgresGuardState(settings, KEYS).transaction() as transaction:
        say(uri_of(settings), AHEAD)
        transaction.audit.append(an_event())


def test_a_session_that_was_opened_before_an_upgrade_adds_nothing_after_it(keyed):
    with pytest.raises(SourceUnavailable, match=f"guard state is at revision {AHEAD}, this session was opened for {OURS}"):
        appended_after_an_upgrade(keyed)
    say(uri_of(keyed), OURS)
    assert entries(keyed) == ["2026-03"]


def test_a_session_of_this_release_adds_to_the_log(keyed):
    with open_guard_state(keyed, "guard_state") as connection:
        GuardRepositories(connection, KEYS).audit.append(an_event())
    assert entries(keyed) == ["2026-03", "2026-03"]


def uri_of(settings: ConnectionSettings) -> str:
    return psycopg.conninfo.make_conninfo(**dict(settings.parameters))
