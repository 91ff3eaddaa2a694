"""A plan held against the truth that the sandbox keeps, player by player."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.sandbox.conftest import rows

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.domain.findings import RowAction
from ledger_guard.domain.plans import BackfillMode, PlanRow
from ledger_guard.policy.schema import Policy

Pair = tuple[int, int]
_STANDING = """
    select p.id, t.available, t.held,
           round(w.balance_real_available::numeric * 100)::bigint, round(w.balance_real_pending::numeric * 100)::bigint
    from player p
    join ledger_sandbox.right_wallet t on t.player_id = p.id
    left join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
    where p.tenant_id = any(%(tenants)s)
"""


@dataclass
class Score:
    """How a repair would end, were the plan forced with a human's yes."""

    #: players by write_right, write_wrong, leave_right, leave_wrong, human
    players: Counter[str] = field(default_factory=Counter)
    #: money of right wallets that a write would take, cents
    erased: int = 0
    #: the players that would be wrong after it, with nobody told
    wrong: list[str] = field(default_factory=list)

    def share(self, *outcomes: str) -> float:
        """The share of players with one of these outcomes."""
        return sum(self.players[outcome] for outcome in outcomes) / self.players.total()


def plan_rows(uri: str, policy: Policy, tenants: Iterable[str]) -> dict[str, PlanRow]:
    """What dry-runs of these tenants would put into their plans, by player."""
    store = PostgresLedgerStore(ConnectionSettings.parse(uri, "ledger_db"), policy)
    return {row.player_id: row for tenant in tenants for row in store.compare(tenant, BackfillMode.FORCE).rows}


def score(uri: str, planned: dict[str, PlanRow], tenants: Iterable[str]) -> Score:
    """Hold a plan against the truth."""
    found = Score()
    for player_id, available, held, wallet_available, wallet_pending in rows(uri, _STANDING, tenants=list(tenants)):
        right, before = (available, held), (wallet_available, wallet_pending) if wallet_available is not None else None
        row = planned.get(player_id)
        if row is not None and row.cause.action is RowAction.HUMAN:
            found.players["human"] += 1
            continue
        after = before if row is None else (row.target_available, row.target_pending)
        is_right = after == right or (after is None and right == (0, 0))
        found.players[f"{'leave' if row is None else 'write'}_{'right' if is_right else 'wrong'}"] += 1
        if not is_right:
            found.wrong.append(f"{player_id}: right {right}, stands {before}, after {after}, {row and row.reason}")
        if row is not None:
            found.erased += max(0, min(sum(before or (0, 0)), sum(right)) - sum(after or (0, 0)))
    return found
