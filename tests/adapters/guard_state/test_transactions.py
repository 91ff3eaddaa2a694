"""What every GuardState promises about transactions and snapshots."""

from __future__ import annotations

import psycopg
import pytest
from tests.adapters.guard_state.samples import (
    NOON,
    a_freeze,
    a_plan,
    a_question,
    a_reading,
    a_sensed_window,
    a_verdict,
    an_event,
    an_incident,
)
from tests.triggers import T1

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import GuardRepositories, PostgresGuardState
from ledger_guard.domain.audit import GENESIS_HASH
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.identifiers import new_id


def test_a_transaction_that_fails_leaves_nothing(state):
    incident = an_incident()
    with pytest.raises(RuntimeError, match="the task was killed"), state.transaction() as transaction:  # noqa: PT012  the block is the rule
        transaction.readings.record([a_sensed_window()], [a_reading()])
        transaction.incidents.add(incident)
        transaction.verdicts.record([a_verdict()], incident.incident_id)
        transaction.verdicts.save_engine_state(T1, NOON, NOON, b"state")
        transaction.plans.add(a_plan())
        transaction.approvals.request(a_question())
        transaction.freezes.add(a_freeze())
        transaction.audit.append(an_event())
        raise RuntimeError("the task was killed")
    with state.transaction() as transaction:
        assert transaction.readings.sensed_through(T1) is None
        assert transaction.verdicts.judged_through(T1) is None
        assert transaction.incidents.listed(include_resolved=True) == []
        assert transaction.plans.latest("tenant-a") is None
        assert transaction.approvals.waiting(NOON) == []
        assert transaction.freezes.standing() == []
        assert list(transaction.audit.entries()) == []
        assert transaction.audit.head() == (0, GENESIS_HASH)


def test_a_transaction_that_fails_gives_back_what_it_changed(state):
    incident = an_incident()
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
    with pytest.raises(SafetyRefusal), state.transaction() as transaction:  # noqa: PT012  the block is the rule
        saved = transaction.incidents.save(incident)
        transaction.incidents.add(an_incident())
    with state.transaction() as transaction:
        assert transaction.incidents.get(incident.incident_id) == incident
        assert saved.version == 1


def test_a_refusal_inside_a_transaction_spoils_nothing_else_in_it(state):
    incident = an_incident()
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        with pytest.raises(SafetyRefusal):
            transaction.incidents.add(an_incident())
        transaction.freezes.add(a_freeze())
    with state.transaction() as transaction:
        assert transaction.incidents.open_for(T1) == incident
        assert len(transaction.freezes.standing()) == 1


def test_a_snapshot_sees_one_moment_whatever_is_written_meanwhile(state):
    with state.transaction() as transaction:
        first = transaction.audit.append(an_event(1))
    with state.snapshot() as seen:
        assert seen.audit.head() == (1, first.entry_hash)
        with state.transaction() as transaction:
            transaction.audit.append(an_event(2))
        assert list(seen.audit.entries()) == [first]
        assert seen.audit.head() == (1, first.entry_hash)
    with state.snapshot() as seen:
        assert seen.audit.head()[0] == 2


def test_in_memory_a_transaction_inside_another_is_refused_at_once():
    """On a database each would wait for the other's lock on the audit log until one gives up."""
    state = InMemoryGuardState()
    with state.transaction(), pytest.raises(RuntimeError, match="do not nest"), state.transaction():
        pass
    with state.transaction() as transaction:
        transaction.audit.append(an_event())


@pytest.mark.postgres
def test_a_snapshot_can_not_write(postgres_state):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), postgres_state.snapshot() as seen:
        seen.freezes.add(a_freeze())


@pytest.mark.postgres
def test_repositories_work_in_the_transaction_of_whoever_opened_the_connection(postgres_state, guard_settings):
    freeze = a_freeze()
    with guard_settings.open("backfill") as connection:
        GuardRepositories(connection).freezes.add(freeze)
        connection.rollback()
        assert GuardRepositories(connection).freezes.standing() == []
        GuardRepositories(connection).freezes.add(freeze)
    with postgres_state.transaction() as transaction:
        assert transaction.freezes.standing() == [freeze]
        assert transaction.connection.info.parameter_status("application_name") == "ledger_guard/guard_state"


@pytest.mark.postgres
def test_a_transaction_that_went_on_after_a_failed_statement_is_not_taken_for_stored(postgres_state):
    with pytest.raises(LedgerInvariantError, match="nothing was stored"), postgres_state.transaction() as transaction:  # noqa: PT012  the block is the rule
        transaction.freezes.add(a_freeze())
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            transaction.plans.add(a_plan(incident_id=new_id()))


@pytest.mark.postgres
@pytest.mark.parametrize("block", ["transaction", "snapshot"])
def test_a_database_without_guard_state_is_a_source_that_is_unavailable(empty_database_uri, block):
    state = PostgresGuardState(ConnectionSettings.parse(empty_database_uri, "ledger_guard_db"))
    with pytest.raises(SourceUnavailable, match="guard state"), getattr(state, block)() as transaction:
        transaction.freezes.standing()


@pytest.mark.parametrize("block", ["transaction", "snapshot"])
def test_a_server_that_does_not_answer_is_a_source_that_is_unavailable(tmp_path, block):
    state = PostgresGuardState(ConnectionSettings.parse(f"postgresql://nobody@/nowhere?host={tmp_path}", "ledger_guard_db"))
    with pytest.raises(SourceUnavailable, match="nowhere"), getattr(state, block)():
        pass


@pytest.mark.postgres
def test_a_text_that_can_not_be_stored_is_bad_input(postgres_state):
    with pytest.raises(BadInputError, match="can't be stored"), postgres_state.transaction() as transaction:
        transaction.freezes.add(a_freeze(reason="a\x00b"))
