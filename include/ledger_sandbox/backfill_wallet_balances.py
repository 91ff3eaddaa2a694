"""Stand-in for the platform's own backfill script, with its habits; run it as the platform's is run, as a process.

    DATABASE_URL=postgresql+asyncpg://… python -m ledger_sandbox.backfill_wallet_balances --tenant-id T [--dry-run] [--force]

It is there for the guard's command runner to be tested against. What is wrong with it is wrong on purpose:

- An empty tenant id means all tenants; an unknown one is no error.
- It pages players by OFFSET without ORDER BY, reads a batch of them without locks, and writes absolute values later, so moves
  that come in between are lost. It takes no lock against a second run.
- It says nothing when it ends well, not even how much it did; with DEBUG=1 it prints every statement, player ids included.
- It knows USD only, gives new wallets no bonus, and does not refresh `updated_at` of those it overwrites.

Exit codes: 0 finished; 1 with a traceback for a batch size below 1, an environment that it can't use, and every database
error; 2 for arguments that it does not know. Committed batches stay, whatever ends it.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from typing_extensions import LiteralString

_ALL_PLAYERS: LiteralString = """
    select id, tenant_id, balance_real_available, balance_real_held from player
    limit %(limit)s offset %(offset)s
"""
_PLAYERS_OF_TENANT: LiteralString = """
    select id, tenant_id, balance_real_available, balance_real_held from player
    where tenant_id = %(tenant_id)s
    limit %(limit)s offset %(offset)s
"""
_WALLET: LiteralString = """
    select balance_real_available, balance_real_pending from walletbalance
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
"""
_CREATE: LiteralString = """
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    values (%(tenant_id)s, %(player_id)s, 'USD', %(available)s, %(held)s, 0, 0)
"""
_OVERWRITE: LiteralString = """
    update walletbalance set balance_real_available = %(available)s, balance_real_pending = %(held)s
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
"""

_log = logging.getLogger(__name__)


class Script:
    """One run of the script over one session."""

    def __init__(self, connection: psycopg.Connection, *, dry_run: bool, force: bool, echo: bool) -> None:
        self._connection = connection
        self._dry_run = dry_run
        self._force = force
        self._echo = echo
        self.counts: Counter[str] = Counter()

    def run(self, tenant_id: str | None, batch_size: int) -> None:
        """Visit every player of the tenant, or of all tenants, and commit after each batch."""
        for players in self._batches(tenant_id, batch_size):
            for player_id, tenant, available, held in players:
                self._visit({"tenant_id": tenant, "player_id": player_id, "available": available, "held": held})
            self._connection.commit()

    def _batches(self, tenant_id: str | None, batch_size: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        offset = 0
        # An empty text is as good as none here, and none means everybody.
        query = _PLAYERS_OF_TENANT if tenant_id else _ALL_PLAYERS
        while players := self._execute(query, {"tenant_id": tenant_id, "limit": batch_size, "offset": offset}).fetchall():
            yield players
            offset += batch_size

    def _visit(self, player: dict[str, Any]) -> None:
        self.counts["scanned"] += 1
        has_wallet = self._execute(_WALLET, player).fetchone() is not None
        if has_wallet and not self._force:
            self.counts["skipped_exists"] += 1
            return
        self.counts["updated_forced" if has_wallet else "created"] += 1
        if not self._dry_run:
            self._execute(_OVERWRITE if has_wallet else _CREATE, player)

    def _execute(self, query: LiteralString, values: dict[str, Any]) -> psycopg.Cursor[tuple[Any, ...]]:
        if self._echo:
            print(" ".join(query.split()), values)
        return self._connection.execute(query, values)


def main() -> None:
    """Read arguments and environment, and run."""
    parser = argparse.ArgumentParser(description="Copy players' balances into their wallets.")
    parser.add_argument("--tenant-id")
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--force", action="store_true")
    arguments = parser.parse_args()
    if arguments.batch_size <= 0:
        raise ValueError(f"batch size must be positive, not {arguments.batch_size}")
    scheme, colon, rest = os.environ["DATABASE_URL"].partition(":")
    echo = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes", "on")
    # The platform's URL names an async driver; psycopg has no use for the name.
    with psycopg.connect(scheme.split("+")[0] + colon + rest) as connection:
        script = Script(connection, dry_run=arguments.dry_run, force=arguments.force, echo=echo)
        script.run(arguments.tenant_id, arguments.batch_size)
    # Nobody configures logging, so nobody ever reads this line.
    _log.info("wallet backfill: %s", dict(script.counts))


if __name__ == "__main__":
    main()
