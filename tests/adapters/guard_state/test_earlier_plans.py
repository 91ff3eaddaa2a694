"""Plans made before rows kept targets: they keep the hash that was approved, and what they wrote can be taken back."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.adapters.guard_state.samples import NOON
from tests.other_releases import OURS, say

from ledger_guard import migrations
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plans import BackfillMode, Plan, PlanStatus, UndoOutcome, plan_hash
from ledger_guard.policy.loader import load_policy
from ledger_sandbox.platform_schema import create_platform

pytestmark = pytest.mark.postgres

TENANT = "casino_7"
FLAGS = {"ledger_enforce_balance": False}
#: player → cause, wallet before in cents; each player has 20.00. Unexplained rows were written with an approval then.
ROWS = {
    "drifted": ("stale_wallet", 1100),
    "made": ("missing", None),
    "odd": ("unexplained", 3300),
    "rich": ("protected", 7000),
    "stale": ("stale_wallet", 1000),
}
WRITTEN = ("made", "odd", "stale")


class Earlier:
    """A platform, and guard state of the release before targets, with a plan that was forced."""

    def __init__(self, platform_uri: str, guard_uri: str, players: tuple[str, ...]) -> None:
        self.uris = platform_uri, guard_uri
        self.plan_id, self.players = new_id(), players
        create_platform(platform_uri)
        versions = sorted((Path(next(iter(migrations.__path__))) / "versions").glob("*.sql"))
        self._newer = [file.read_text(encoding="utf-8") for file in versions if file.name >= "0008"]
        with psycopg.connect(guard_uri) as connection:
            connection.execute("create schema if not exists ledger_guard")
            for file in versions:
                if file.name < "0008":
                    connection.execute(file.read_text(encoding="utf-8"))
            self._keep_plan(connection)
        with psycopg.connect(platform_uri) as connection:
            self._fill_platform(connection)

    def upgrade(self) -> None:
        with psycopg.connect(self.uris[1]) as connection:
            for text in self._newer:
                connection.execute(text)
        say(self.uris[1], OURS)

    def stored(self) -> Plan:
        with self._state().transaction() as state:
            plan = state.plans.get(self.plan_id)
            plan.check_hash(state.plans.content(self.plan_id))
            return plan

    def row_counts(self) -> dict[str, int]:
        with self._state().transaction() as state:
            return state.plans.row_counts(self.plan_id)

    def undo(self) -> UndoOutcome:
        runner = PostgresBackfillRunner(*self._settings(), load_policy(), SettableClock(NOON))
        return runner.undo(self.plan_id, "oncall", 100)

    def wallets(self) -> dict[str, float]:
        with psycopg.connect(self.uris[0]) as connection:
            return dict(connection.execute("select player_id, balance_real_available from walletbalance").fetchall())

    def _state(self) -> PostgresGuardState:
        return PostgresGuardState(self._settings()[1])

    def _settings(self) -> tuple[ConnectionSettings, ConnectionSettings]:
        platform, guard = (ConnectionSettings.parse(uri, "test") for uri in self.uris)
        return platform, guard

    def _keep_plan(self, connection: psycopg.Connection) -> None:
        rows = {player: ROWS[player] for player in self.players}
        counts = {cause: sum(each == cause for each, _ in rows.values()) for cause in ("missing", "stale_wallet", "protected")}
        counts |= {"unexplained": sum(each == "unexplained" for each, _ in rows.values())}
        counts |= {"float_noise": 0, "other_currency": 0, "orphan": 0}
        lines = "".join(
            f"{player}\tUSD\t{cause}\t2000\t0\t{wallet if wallet is not None else chr(92) + 'N'}"
            f"\t{0 if wallet is not None else chr(92) + 'N'}\t13\n"
            for player, (cause, wallet) in sorted(rows.items())
        )
        rows_hash = hashlib.sha256(lines.encode()).hexdigest()
        connection.execute(
            "insert into ledger_guard.plan (plan_id, plan_hash, tenant_id, mode, currency, counts, cents, players,"
            " guardrails_exceeded, flag_state, policy_hash, created_at, expires_at, requested_by, status)"
            " values (%s, %s, %s, 'force', 'USD', %s, %s, 5, '{}', %s, 'policy', %s, %s, 'oncall', 'forced')",
            [
                self.plan_id,
                plan_hash(TENANT, BackfillMode.FORCE, "USD", rows_hash, FLAGS, policy_hash="policy"),
                *(TENANT, Jsonb(counts), Jsonb({"created": 2000, "increased": 1000, "decreased": 1300}), Jsonb(FLAGS)),
                *(NOON, NOON + timedelta(hours=2)),
            ],
        )
        for player, (cause, wallet) in rows.items():
            connection.execute(
                "insert into ledger_guard.plan_row (plan_id, player_id, currency, cause, player_available, player_held,"
                " wallet_available, wallet_pending, ledger_explained) values (%s, %s, 'USD', %s, 2000, 0, %s, %s, 13)",
                [self.plan_id, player, cause, wallet, None if wallet is None else 0],
            )
            if player in WRITTEN:
                before = (None, None) if wallet is None else (wallet / 100, 0.0)
                connection.execute(
                    "insert into ledger_guard.before_image (plan_id, operation, tenant_id, player_id, currency, before_available,"
                    " before_pending, after_available, after_pending, actor, written_at)"
                    " values (%s, 'force', %s, %s, 'USD', %s, %s, 20, 0, 'oncall', %s)",
                    [self.plan_id, TENANT, player, *before, NOON],
                )
            elif cause != "protected":
                connection.execute(
                    "insert into ledger_guard.row_left_alone values (%s, 'force', %s, 'USD', %s)", [self.plan_id, player, NOON]
                )
        written = len(set(rows) & set(WRITTEN))
        connection.execute(
            "insert into ledger_guard.backfill_progress values (%s, 'force', 'zzz', 1, %s, %s, %s, %s)",
            [self.plan_id, written, int("drifted" in rows), NOON, NOON],
        )

    def _fill_platform(self, connection: psycopg.Connection) -> None:
        connection.execute("insert into tenant (id, name) values (%s, 'x')", [TENANT])
        for player in self.players:
            connection.execute(
                "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
                " balance_real_held) values (%s, %s, 'u', 'e', 20, 0, 20, 0)",
                [player, TENANT],
            )
            _, before = ROWS[player]
            now = 20.0 if player in WRITTEN else (before or 0) / 100
            connection.execute("insert into walletbalance values (%s, %s, 'USD', %s, 0, 0, 0)", [TENANT, player, now])


@pytest.fixture(params=["one database", "two databases"])
def make(request, empty_database_uri, postgres_server):
    def made(*players: str) -> Earlier:
        guard = empty_database_uri
        if request.param == "two databases":
            guard = postgres_server.create_database(f"earlier_{new_id()[:8]}")
        return Earlier(empty_database_uri, guard, players)

    return made


def test_a_plan_keeps_its_hash_and_its_rows_their_player_as_target(make):
    earlier = make(*ROWS)
    earlier.upgrade()
    plan = earlier.stored()
    assert plan.status is PlanStatus.FORCED
    assert {row.player_id: (row.cause.value, row.wallet_available) for row in plan.rows} == ROWS
    assert {(row.reason, row.target_available, row.target_pending, row.wallet_only) for row in plan.rows} == {(None, 2000, 0, 13)}
    assert (plan.counts.unexplained, plan.counts.disputed, plan.counts.protected) == (1, 0, 1)


def test_what_became_of_its_rows_is_still_reported(make):
    earlier = make(*ROWS)
    earlier.upgrade()
    assert earlier.row_counts() == {"applied": 3, "drifted": 1, "set_aside": 1}


def test_an_edited_row_is_found_out(make):
    earlier = make(*ROWS)
    earlier.upgrade()
    with psycopg.connect(earlier.uris[1]) as connection:
        # Rows are append-only; who owns the database can still get around that.
        connection.execute("set session_replication_role = replica")
        connection.execute("update ledger_guard.plan_row set wallet_available = 1 where player_id = 'rich'")
    with pytest.raises(LedgerInvariantError, match="changed after the dry-run"):
        earlier.stored()


def test_all_that_it_wrote_is_taken_back(make):
    earlier = make(*ROWS)
    earlier.upgrade()
    assert earlier.undo() == UndoOutcome(restored=3, kept=0)
    assert earlier.wallets() == {"drifted": 11.0, "odd": 33.0, "rich": 70.0, "stale": 10.0}
    assert earlier.row_counts() == {"restored": 3, "drifted": 1, "set_aside": 1}


def test_a_plan_of_unexplained_rows_alone_is_taken_back_too(make):
    earlier = make("odd")
    earlier.upgrade()
    assert earlier.undo() == UndoOutcome(restored=1, kept=0)
    assert earlier.wallets() == {"odd": 33.0}


def test_the_database_says_of_each_cause_what_the_rule_says(database_uri):
    with psycopg.connect(database_uri) as connection:
        for cause in RowCause:
            answer = connection.execute("select ledger_guard.is_writable(%s)", [cause.value]).fetchone()
            assert answer == (cause.is_writable,), cause
