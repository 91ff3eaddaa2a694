"""The platform's players, wallets and ledger in memory, with doubles as the platform keeps them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from ledger_guard.domain.differences import NO_MOVEMENTS, Balances, LedgerFacts, difference_row
from ledger_guard.domain.money import Cents, readable_cents
from ledger_guard.domain.plan_lines import lines_of
from ledger_guard.domain.plan_summary import counts_of_causes
from ledger_guard.domain.plans import BackfillMode, DifferenceCounts, RowCause
from ledger_guard.domain.wallet_writes import LockedRows, Pair, WalletRow, WalletWrite
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.platform import LedgerTable
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Comparison


@dataclass(frozen=True)
class LedgerMovement:
    """One row of the platform's ledger; `amount` in whole units."""

    type: str
    direction: str
    amount: float
    currency: str = "USD"
    status: str = "completed"
    provider_event_id: str | None = None
    created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class InMemoryDifferences:
    """Differences over a comparison that was made already."""

    comparison: Comparison

    @property
    def players(self) -> int:
        """See Differences."""
        return self.comparison.players

    @property
    def counts(self) -> DifferenceCounts:
        """See Differences."""
        return self.comparison.counts

    def lines(self) -> Iterator[bytes]:
        """See Differences."""
        return lines_of(self.comparison.rows)


class InMemoryLedger:
    """LedgerStore whose tables are dictionaries; whoever drives it fills and changes them."""

    def __init__(self, policy: Policy) -> None:
        self._currency = policy.platform.currency
        self._ledger = policy.platform.ledger
        self.tenants: set[str] = set()
        #: (tenant, player) → available, held
        self.players: dict[tuple[str, str], Pair] = {}
        #: (tenant, player, currency) → wallet row
        self.wallets: dict[tuple[str, str, str], WalletRow] = {}
        #: (tenant, player) → movements
        self.movements: dict[tuple[str, str], list[LedgerMovement]] = defaultdict(list)

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

    def add_movement(self, tenant_id: str, player_id: str, movement: LedgerMovement) -> None:
        """Book a movement."""
        self.movements[tenant_id, player_id].append(movement)

    def check_columns(self) -> None:
        """See LedgerStore; nothing can be missing here."""

    def tenant_exists(self, tenant_id: str) -> bool:
        """See LedgerStore."""
        return tenant_id in self.tenants

    def tenant_ids(self) -> list[str]:
        """See LedgerStore."""
        return sorted(self.tenants)

    @contextmanager
    def differences(self, tenant_id: str, mode: BackfillMode) -> Iterator[InMemoryDifferences]:
        """See LedgerStore."""
        yield InMemoryDifferences(self.compare(tenant_id, mode))

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """See LedgerStore."""
        players = sorted(player_id for tenant, player_id in self.players if tenant == tenant_id)
        rows, float_noise = [], 0
        for player_id in players:
            balances = self._balances(tenant_id, player_id)
            if balances.has_wallet and _agrees(balances):
                float_noise += self.players[tenant_id, player_id] != self.wallets[tenant_id, player_id, self._currency].balance
                continue
            movements = self.movements[tenant_id, player_id] if balances.difference is not None else []
            relevant = [each for each in movements if each.currency == self._currency]
            facts = summed(relevant, self._ledger, balances.difference)
            rows.append(difference_row(player_id, self._currency, balances, facts))
        wallets = [(player_id, currency) for tenant, player_id, currency in self.wallets if tenant == tenant_id]
        return Comparison(
            tenant_id=tenant_id,
            players=len(players),
            counts=counts_of_causes(
                Counter(row.cause.value for row in rows),
                float_noise=float_noise,
                other_currency=sum(currency != self._currency for _, currency in wallets),
                orphan=sum((tenant_id, player_id) not in self.players for player_id, _ in wallets),
            ),
            rows=tuple(row for row in rows if mode is BackfillMode.FORCE or row.cause is RowCause.MISSING),
        )

    def read(self, tenant_id: str, currency: str, player_ids: Sequence[str]) -> LockedRows:
        """What a writer sees in these players' rows."""
        return LockedRows(
            {each: self.players[tenant_id, each] for each in player_ids if (tenant_id, each) in self.players},
            {each: self.wallets[tenant_id, each, currency] for each in player_ids if (tenant_id, each, currency) in self.wallets},
        )

    def write(self, tenant_id: str, currency: str, writes: Sequence[WalletWrite]) -> None:
        """Carry out writes that were judged against what `read` gave."""
        for each in writes:
            key = (tenant_id, each.player_id, currency)
            if each.after is None:
                del self.wallets[key]
            else:
                self.wallets[key] = replace(self.wallets.get(key, WalletRow(each.after)), balance=each.after)

    def _balances(self, tenant_id: str, player_id: str) -> Balances:
        available, held = self.players[tenant_id, player_id]
        wallet = self.wallets.get((tenant_id, player_id, self._currency))
        return Balances(
            player_available=readable_cents(available),
            player_held=readable_cents(held),
            wallet_available=readable_cents(wallet.balance[0]) if wallet else None,
            wallet_pending=readable_cents(wallet.balance[1]) if wallet else None,
            has_wallet=wallet is not None,
        )


def _agrees(balances: Balances) -> bool:
    if balances.difference is None:
        return False
    return (balances.player_available, balances.player_held) == (balances.wallet_available, balances.wallet_pending)


def summed(movements: Sequence[LedgerMovement], ledger: LedgerTable, difference: Cents | None) -> LedgerFacts:
    """Add up movements of one currency as `sql/platform/copy_differences.sql` does."""
    void = {word.lower() for word in ledger.void_statuses}
    valid = [each for each in movements if each.status.lower() not in void]
    signed = [(each, _signed(each)) for each in valid]
    known = [(each, cents) for each, cents in signed if cents is not None]
    if not valid:
        return NO_MOVEMENTS
    wallet_only = [cents for each, cents in known if _is_wallet_only(each, ledger)]
    by_amount = sorted((pair for pair in known if pair[0].direction.lower() == "credit"), key=lambda pair: pair[1])
    newest_first = [cents for _, cents in sorted(by_amount, key=lambda pair: pair[0].created_at, reverse=True)]
    running = set(accumulate(newest_first))
    single = {cents for each, cents in known if _is_wallet_only(each, ledger) and each.direction.lower() == "credit"}
    return LedgerFacts(
        net=sum(cents for _, cents in known),
        wallet_only_net=sum(wallet_only),
        recent_credits_match=difference in running,
        wallet_only_credit_matches=difference in single,
        is_readable=len(known) == len(signed),
    )


def _signed(movement: LedgerMovement) -> Cents | None:
    sign = {"credit": 1, "debit": -1}.get(movement.direction.lower())
    cents = readable_cents(movement.amount)
    return None if sign is None or cents is None else sign * cents


def _is_wallet_only(movement: LedgerMovement, ledger: LedgerTable) -> bool:
    by_event = ledger.provider_events_are_wallet_only and movement.provider_event_id is not None
    return movement.type in ledger.wallet_only_types or by_event
