"""A pooler that hands sessions around, or drops what they were opened with, is found out before anything is read or written."""

from __future__ import annotations

import pytest

from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.loader import load_policy

pytestmark = pytest.mark.postgres

DROPS = {"ignore_startup_parameters": "options"}
ADVICE = (
    'allowed: a connection to the server itself, or through a pooler in session mode that passes the startup parameter "options"'
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({"pool_mode": "transaction", **DROPS}, id="transactions, options dropped"),
        pytest.param({"pool_mode": "statement", **DROPS}, id="statements, options dropped"),
        pytest.param({"pool_mode": "session", **DROPS}, id="sessions, options dropped"),
        pytest.param({"pool_mode": "transaction"}, id="as it is shipped, options refused"),
    ],
)
def pooled(request, through_pooler) -> ConnectionSettings:
    return ConnectionSettings.parse(through_pooler(**request.param), "ledger_db")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_session_through_it_is_refused_with_what_to_do(pooled, read_only):
    with pytest.raises(SourceUnavailable, match=r"database session_tests: .*a pooler in between") as refusal:
        pooled.open("test", read_only=read_only)
    assert ADVICE in str(refusal.value)


def test_no_use_of_a_database_gets_past_it(pooled, settings):
    policy, clock = load_policy(), SystemClock()
    plan_id = "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001"
    with pytest.raises(SourceUnavailable, match="pooler"):
        PostgresLedgerStore(pooled, policy).compare("tenant-a", BackfillMode.FORCE)
    with pytest.raises(SourceUnavailable, match="pooler"), PostgresGuardState(pooled).transaction():
        pass
    for places in ((pooled, settings), (settings, pooled)):
        with pytest.raises(SourceUnavailable, match="pooler"):
            PostgresBackfillRunner(*places, policy, clock).force(plan_id, "anna", 10)


def test_the_first_setting_that_was_dropped_is_named(through_pooler):
    pooled = ConnectionSettings.parse(through_pooler(pool_mode="transaction", **DROPS), "ledger_db")
    with pytest.raises(SourceUnavailable, match="row_security is 'on' instead of 'off'"):
        pooled.open("test")
