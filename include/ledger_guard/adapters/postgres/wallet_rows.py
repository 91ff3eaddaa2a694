"""A tenant's wallet rows, for the one session that may write them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from ledger_guard.adapters.postgres.connection import Connection, compose
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.errors import ConcurrentWriterError, SafetyRefusal
from ledger_guard.domain.wallet_writes import LockedRows, Pair, WalletRow, WalletWrite
from ledger_guard.domain.windows import iso
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement


def writer_lock_key(tenant_id: str) -> int:
    """The first half of the advisory lock's key, from the tenant id; the second half is a number that each session makes up."""
    digest = hashlib.sha256(f"ledger_guard/backfill/{tenant_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & _HALF_KEY


#: half of an advisory lock's key that reads the same signed and unsigned
_HALF_KEY = 0x7FFF_FFFF


class WalletRows:
    """Locks, reads and writes one tenant's wallet rows of one currency, set-based, within the connection's transaction."""

    def __init__(self, connection: Connection, platform: Platform, tenant_id: str, currency: str) -> None:
        self._connection = connection
        self._names = platform_names(platform)
        self._tenant = {"tenant_id": tenant_id}
        # Nobody can know this half before it is held, so nobody can hold it first; whose locks count is told by what their
        # login may do, so a login that only reads can't keep writers out.
        self._lock = {
            "key": writer_lock_key(tenant_id),
            "slot": secrets.randbelow(_HALF_KEY),
            "wallet": sql.Identifier(*self._names["wallet"].split(".")).as_string(),
        }
        self._scope = {"tenant_id": tenant_id, "currency": currency, "fill_bonus": platform.fill_bonus_from_player}

    @property
    def tenant_id(self) -> str:
        """Whose wallets these are."""
        return self._tenant["tenant_id"]

    @contextmanager
    def as_only_writer(self) -> Iterator[None]:
        """Hold the tenant's writer lock within the block; it ends with the session too, however that ends.

        Every writer takes a lock of its own, then looks for others: of two that begin at the same moment at least one sees the
        other. Locks of logins that can't write wallets don't count.

        Raises:
            ConcurrentWriterError: another session has it, or tried at the same moment; the sentence tells whose. Wait for that
                run to end, then start again.
            SafetyRefusal: this login may write wallets only in a role that it switches to, so other writers would not see it.
        """
        self._require_no_other_writer()
        row = self._connection.execute(statement("backfill/try_writer_lock"), self._lock).fetchone()
        if row is None or not row["is_locked"]:
            raise ConcurrentWriterError(f"tenant {self.tenant_id}: the writer lock could not be taken; start again")
        try:
            if not row["is_seen"]:
                raise SafetyRefusal(
                    f"tenant {self.tenant_id}: login {row['login']} has no own right to write wallets: other writers would miss "
                    "it; allowed: a login with its own rights, not a role that it switches to"
                )
            self._require_no_other_writer()
            yield
        finally:
            # Closing a session frees its locks only a moment later: the next run would meet them.
            if not self._connection.closed:
                self._connection.execute(statement("backfill/release_writer_lock"), self._lock)

    def _require_no_other_writer(self) -> None:
        holder = self._connection.execute(statement("backfill/find_other_writer"), self._lock).fetchone()
        if holder is not None:
            since = f", connected since {iso(holder['since'])}" if holder["since"] else ""
            raise ConcurrentWriterError(
                f"tenant {self.tenant_id}: another backfill is writing to its wallets (login {holder['login']}, application "
                f"{holder['application']!r}, process {holder['pid']}{since}); allowed: one writer per tenant; wait for it and "
                "start again"
            )

    def end_other_writer(self) -> None:
        """End the session of this login that keeps the writer lock for a backfill; its open transaction is rolled back.

        For whoever has taken over its work. Sessions of other logins, and those beside the platform's script, are left alone.
        """
        self._connection.execute(statement("backfill/end_other_writer"), self._lock)

    def require_only_writer(self) -> None:
        """See, within the transaction that is to write, that it runs in the session that took the writer lock.

        Raises:
            SafetyRefusal: it does not: a pooler in between shares sessions. This transaction has written nothing.
        """
        tenant_id = self._tenant["tenant_id"]
        row = self._connection.execute(statement("backfill/confirm_writer_lock"), self._lock).fetchone()
        if row is None or not row["is_held"]:
            raise SafetyRefusal(
                f"tenant {tenant_id}: the session lost its writer lock, so another run may be "
                "writing too; allowed: a direct connection to the server (no pooler); then start again"
            )

    def transaction_id(self) -> str:
        """The platform's number of the transaction that is open."""
        row = self._connection.execute(statement("backfill/read_transaction_id")).fetchone()
        return str(row["transaction_id"]) if row else ""

    def is_committed(self, transaction_id: str | None) -> bool:
        """Whether the platform still knows that a transaction came to be; False where no number was kept."""
        if transaction_id is None:
            return False
        parameters = {"transaction_id": transaction_id}
        row = self._connection.execute(statement("backfill/read_transaction_status"), parameters).fetchone()
        return row is not None and row["status"] == "committed"

    def lock(self, player_ids: Sequence[str]) -> LockedRows:
        """Lock players, then wallets, as the platform does, and read both."""
        ids = {"player_ids": list(player_ids)}
        locked = compose(statement("backfill/lock_players"), **self._names)
        players = self._connection.execute(locked, self._scope | ids).fetchall()
        held = {row["player_id"]: (row["available"], row["held"]) for row in players}
        wallets = self._connection.execute(compose(statement("backfill/lock_wallets"), **self._names), self._scope | ids)
        return LockedRows(
            held,
            {
                row["player_id"]: WalletRow((row["available"], row["pending"]), (row["bonus_available"], row["bonus_pending"]))
                for row in wallets
            },
            {row["player_id"]: row["new_wallet_bonus"] for row in players},
        )

    def write(self, writes: Sequence[WalletWrite]) -> set[str]:
        """Do the writes; returns the player ids whose row really changed (not those whose row appeared meanwhile)."""
        made = self._run("backfill/insert_wallets", [each for each in writes if each.before is None])
        changed = self._run("backfill/update_wallets", [each for each in writes if each.before and each.after])
        removed = self._run("backfill/delete_wallets", [each for each in writes if each.after is None])
        return made | changed | removed

    def _run(self, name: str, writes: Sequence[WalletWrite]) -> set[str]:
        if not writes:
            return set()
        before_available, before_pending = _columns([each.before for each in writes])
        available, pending = _columns([each.after for each in writes])
        parameters = self._scope | {
            "player_ids": [each.player_id for each in writes],
            "before_available": before_available,
            "before_pending": before_pending,
            "available": available,
            "pending": pending,
        }
        rows = self._connection.execute(compose(statement(name), **self._names), parameters)
        return {row["player_id"] for row in rows}


def _columns(pairs: Sequence[Pair | None]) -> tuple[list[float | None], list[float | None]]:
    return [pair[0] if pair else None for pair in pairs], [pair[1] if pair else None for pair in pairs]
