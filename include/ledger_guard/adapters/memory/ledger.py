"""The platform's players, wallets and ledger in memory, with doubles as the platform keeps them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from ledger_guard.domain.differences import Balances, Judgement, difference_row, judge
from ledger_guard.domain.findings import DifferenceCounts, RowCause
from ledger_guard.domain.ledger_evidence import Amounts, LedgerEvidence, gather
from ledger_guard.domain.ledger_rows import BookedMovement, LedgerRow, TransactionRow
from ledger_guard.domain.money import Cents, readable_cents
from ledger_guard.domain.openings import opening_lines, openings_of
from ledger_guard.domain.plan_rows import lines_of
from ledger_guard.domain.plan_summary import counts_of_causes
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.repairs import WrongWallet
from ledger_guard.domain.wallet_writes import LockedRows, Pair, WalletRow, WalletWrite
from ledger_guard.policy.booking_rules import booked_movement, is_code_alike, movement_of, notes_of
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Comparison


@dataclass(frozen=True)
class InMemoryDifferences:
    """Differences over a comparison that was made already."""

    comparison: Comparison
    openings: Mapping[str, Amounts]

    @property
    def players(self) -> int:
        """See Differences."""
        return self.comparison.players

    @property
    def counts(self) -> DifferenceCounts:
        """See Differences."""
        return self.comparison.counts

    @property
    def bonus_lost(self) -> Cents:
        """See Differences."""
        return self.comparison.bonus_lost

    def new_openings(self) -> Iterator[bytes]:
        """See Differences."""
        yield opening_lines(self.openings)

    def lines(self) -> Iterator[bytes]:
        """See Differences."""
        return lines_of(self.comparison.rows)


class InMemoryLedger:
    """LedgerStore whose tables are dictionaries; whoever drives it fills and changes them."""

    def __init__(self, policy: Policy) -> None:
        self._platform = policy.platform
        self.tenants: set[str] = set()
        #: (tenant, player) → available, held
        self.players: dict[tuple[str, str], Pair] = {}
        #: (tenant, player, currency) → wallet row
        self.wallets: dict[tuple[str, str, str], WalletRow] = {}
        #: (tenant, player) → movements
        self.movements_by_player: dict[tuple[str, str], list[LedgerRow]] = defaultdict(list)
        #: (tenant, player) → transactions
        self.transactions: dict[tuple[str, str], list[TransactionRow]] = defaultdict(list)
        #: (tenant, player) → the player row's bonus; none is 0
        self.bonus: dict[tuple[str, str], float] = {}

    def add_player(self, tenant_id: str, player_id: str, available: float, held: float = 0.0) -> None:
        """Put a player row, and its tenant where it is new."""
        self.tenants.add(tenant_id)
        self.players[tenant_id, player_id] = (available, held)

    def set_wallet(
        self,
        tenant_id: str,
        player_id: str,
        available: float,
        pending: float = 0.0,
        currency: str = "USD",
        bonus: Pair | None = None,
    ) -> None:
        """Put a wallet row; its bonus stays as it was unless given."""
        old = self.wallets.get((tenant_id, player_id, currency), WalletRow((0.0, 0.0)))
        self.wallets[tenant_id, player_id, currency] = WalletRow((available, pending), old.bonus if bonus is None else bonus)

    def add_movement(self, tenant_id: str, player_id: str, movement: LedgerRow) -> None:
        """Book a movement."""
        self.movements_by_player[tenant_id, player_id].append(movement)

    def add_transaction(self, tenant_id: str, player_id: str, transaction: TransactionRow) -> None:
        """Keep a transaction."""
        self.transactions[tenant_id, player_id].append(transaction)

    def check_columns(self) -> None:
        """See LedgerStore; nothing can be missing here."""

    def tenant_exists(self, tenant_id: str) -> bool:
        """See LedgerStore."""
        return tenant_id in self.tenants

    def tenant_ids(self) -> list[str]:
        """See LedgerStore."""
        return sorted(self.tenants)

    @contextmanager
    def differences(self, tenant_id: str, mode: BackfillMode, seen: Iterable[bytes] = ()) -> Iterator[InMemoryDifferences]:
        """See LedgerStore."""
        known = openings_of(seen)
        new = {
            player_id: judged.opening
            for player_id, judged in self._judged(tenant_id).items()
            if player_id not in known and judged.is_opening_known
        }
        yield InMemoryDifferences(self._compared(tenant_id, mode, known), new)

    def wrong_wallets(self, tenant_id: str, player_ids: Sequence[str]) -> list[WrongWallet]:
        """See LedgerStore."""
        rows = self._compared(tenant_id, BackfillMode.FORCE, {}).rows
        return [
            WrongWallet(row.player_id, row.cause, row.moved if row.cause.is_writable else 0)
            for row in rows
            if row.player_id in player_ids
        ]

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """See LedgerStore."""
        return self._compared(tenant_id, mode, {})

    def _judged(self, tenant_id: str) -> dict[str, Judgement]:
        return {player_id: judge(*evidence) for player_id, evidence in self._all_evidence(tenant_id, {}).items()}

    def _all_evidence(self, tenant_id: str, seen: Mapping[str, Amounts]) -> dict[str, tuple[Balances, LedgerEvidence]]:
        currency = self._platform.currency
        alike = {
            player_id
            for tenant, player_id, code in self.wallets
            if tenant == tenant_id and code != currency and is_code_alike(code, currency)
        }
        players = sorted(player_id for tenant, player_id in self.players if tenant == tenant_id)
        balances = {each: self._balances(tenant_id, each, has_wallet_alike=each in alike) for each in players}
        return {each: (balances[each], self._evidence(tenant_id, each, balances[each], seen.get(each))) for each in players}

    def _compared(self, tenant_id: str, mode: BackfillMode, seen: Mapping[str, Amounts]) -> Comparison:
        judged = self._judged(tenant_id)
        players = list(judged)
        evidence = self._all_evidence(tenant_id, seen)
        right = {each: evidence[each][0] for each in players if judged[each].finding is None}
        found = (difference_row(each, self._platform.currency, *evidence[each]) for each in players)
        rows = [row for row in found if row is not None]
        wallets = [(player_id, currency) for tenant, player_id, currency in self.wallets if tenant == tenant_id]
        missing = {row.player_id for row in rows if row.cause is RowCause.MISSING}
        bonus = [cents for each in missing if (cents := readable_cents(self.bonus.get((tenant_id, each), 0.0)) or 0) > 0]
        return Comparison(
            tenant_id=tenant_id,
            players=len(players),
            counts=counts_of_causes(
                Counter(row.cause.value for row in rows),
                protected=sum(balances.player != balances.wallet for balances in right.values()),
                float_noise=sum(
                    balances.player == balances.wallet and self._differ_as_doubles(tenant_id, each)
                    for each, balances in right.items()
                ),
                other_currency=sum(currency != self._platform.currency for _, currency in wallets),
                orphan=sum((tenant_id, player_id) not in self.players for player_id, _ in wallets),
                player_row_wrong=sum(each.has_lost_update for each in judged.values()),
                missing_with_bonus=len(bonus),
            ),
            rows=tuple(row for row in rows if mode is BackfillMode.FORCE or row.cause is RowCause.MISSING),
            bonus_lost=0 if self._platform.fill_bonus_from_player else sum(bonus),
        )

    def movements(self, tenant_id: str, player_ids: Sequence[str], at_most: int) -> dict[str, list[BookedMovement]]:
        """See LedgerStore."""
        found = {}
        for player_id in player_ids:
            rows = sorted(self.movements_by_player[tenant_id, player_id], key=_newness, reverse=True)
            if rows:
                found[player_id] = [booked_movement(row, self._platform) for row in rows[:at_most]]
        return found

    def _evidence(self, tenant_id: str, player_id: str, balances: Balances, seen_opening: Amounts | None) -> LedgerEvidence:
        found = (movement_of(row, self._platform) for row in self.movements_by_player[tenant_id, player_id])
        movements = [each for each in found if each is not None]
        transactions = self.transactions[tenant_id, player_id]
        notes = notes_of(transactions, movements, self._platform.transactions, self._platform.currency)
        within = timedelta(seconds=self._platform.concurrent_within_seconds)
        return gather(movements, notes, balances.player_held, within=within, seen_opening=seen_opening)

    def _differ_as_doubles(self, tenant_id: str, player_id: str) -> bool:
        return self.players[tenant_id, player_id] != self.wallets[tenant_id, player_id, self._platform.currency].balance

    def read(self, tenant_id: str, currency: str, player_ids: Sequence[str]) -> LockedRows:
        """What a writer sees in these players' rows."""
        return LockedRows(
            {each: self.players[tenant_id, each] for each in player_ids if (tenant_id, each) in self.players},
            {each: self.wallets[tenant_id, each, currency] for each in player_ids if (tenant_id, each, currency) in self.wallets},
            {each: self._new_wallet_bonus(tenant_id, each) for each in player_ids},
        )

    def write(self, tenant_id: str, currency: str, writes: Sequence[WalletWrite]) -> None:
        """Carry out writes that were judged against what `read` gave."""
        for each in writes:
            key = (tenant_id, each.player_id, currency)
            if each.after is None:
                del self.wallets[key]
            else:
                made = WalletRow(each.after, (self._new_wallet_bonus(tenant_id, each.player_id), 0.0))
                self.wallets[key] = replace(self.wallets.get(key, made), balance=each.after)

    def _new_wallet_bonus(self, tenant_id: str, player_id: str) -> float:
        return self.bonus.get((tenant_id, player_id), 0.0) if self._platform.fill_bonus_from_player else 0.0

    def _balances(self, tenant_id: str, player_id: str, *, has_wallet_alike: bool) -> Balances:
        available, held = self.players[tenant_id, player_id]
        wallet = self.wallets.get((tenant_id, player_id, self._platform.currency))
        return Balances(
            player_available=readable_cents(available),
            player_held=readable_cents(held),
            wallet_available=readable_cents(wallet.balance[0]) if wallet else None,
            wallet_pending=readable_cents(wallet.balance[1]) if wallet else None,
            has_wallet=wallet is not None,
            has_wallet_alike=has_wallet_alike,
        )


def _newness(row: LedgerRow) -> datetime:
    """When it was booked; a row without a date is the oldest."""
    return row.created_at or datetime.min.replace(tzinfo=timezone.utc)
