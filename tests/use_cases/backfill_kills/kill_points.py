"""The seeded moments at which processes are killed, and the tenants that they work on."""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass

from tests.use_cases.backfill.backfill_worlds import NOW, approve
from tests.use_cases.backfill_kills.killed_process import WHEN, Kill, Request
from tests.use_cases.backfill_kills.killed_worlds import KilledWorld

from ledger_guard.adapters.memory.ledger import LedgerRow
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plans import Plan
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force

#: how many moments in all; 0 takes every one there is (minutes)
POINTS = int(os.environ.get("LEDGER_GUARD_KILL_POINTS", "100"))
SEED = 20260301
PLACEMENTS = ("shared_database", "two_databases")
#: how many of a hundred moments each scenario gets in each placement
SHARES = {"plan": 5, "force": 15, "undo": 15, "give_up": 15}
#: what is killed, and what is then called: the same again, or an undo of a force that is given up
SCENARIOS = {"plan": ("plan", "plan"), "force": ("force", "force"), "undo": ("undo", "undo"), "give_up": ("force", "undo")}


@dataclass(frozen=True)
class Point:
    """One kill; with `moves`, players and wallets change between the kill and what follows."""

    kill: Kill
    moves: bool


def points(placement: str, scenario: str, exchanges: int) -> list[Point]:
    """This chunk's share of moments, spread over all there are, each with and without moves by turns."""
    moments = [Kill(exchange, when) for exchange in range(1, exchanges + 1) for when in WHEN]
    share = min(len(moments), POINTS * SHARES[scenario] // 100) if POINTS else len(moments)
    dice = random.Random(f"{SEED} {placement} {scenario}")
    edges = [len(moments) * number // share for number in range(share + 1)]
    chosen = [moments[dice.randrange(start, end)] for start, end in itertools.pairwise(edges)]
    return [Point(kill, moves=bool(number % 2)) for number, kill in enumerate(chosen)]


@dataclass(frozen=True)
class Tenant:
    """A tenant of ten players, one for each thing that can be the matter with a wallet, and its newest plan."""

    tenant_id: str
    plan: Plan

    def player(self, number: int) -> str:
        return f"{self.tenant_id}_p{number}"

    @property
    def moving(self) -> set[str]:
        """The players that `move_money` is about."""
        return {self.player(number) for number in (0, 1, 3)}


def new_tenant(world: KilledWorld, scenario: str) -> Tenant:
    """A tenant that is ready for a scenario: with an approved plan, forced already where the scenario is its undo."""
    tenant_id = f"casino_{new_id()[:13]}"
    players = [f"{tenant_id}_p{number}" for number in range(10)]
    platform = world.platform
    for number in (0, 3, 8):
        world.world.stale(players[number], 20.0 + number, 10.0 + number, tenant_id)
    platform.set_wallet(tenant_id, players[0], 10.0, bonus=2.5)
    for number in (1, 6):
        platform.set_player(tenant_id, players[number], 0.1 + 0.2, 1.0)
    world.world.credited(players[2], 20.0, 50.0, tenant_id)
    platform.set_player(tenant_id, players[4], 0.3)
    platform.set_wallet(tenant_id, players[4], 0.1 + 0.2)
    # a hand of poker took 3.00 from the player that the wallet still holds; and a webhook paid in euro
    world.world.stale(players[5], 30.0, 33.0, tenant_id)
    platform.set_wallet(tenant_id, players[5], 5.0, currency="EUR")
    platform.book(tenant_id, players[5], LedgerRow("deposit", "credit", 5.0, NOW, currency="EUR", status="deposit_captured"))
    # a payout that a webhook told while shadow write was off: of available nothing is wrong, of pending 3.00
    platform.set_player(tenant_id, players[7], 8.0, 5.0)
    platform.set_wallet(tenant_id, players[7], 8.0, 5.0)
    platform.book(tenant_id, players[7], LedgerRow("withdraw", "debit", 3.0, NOW, status="withdraw_paid"))
    world.world.doubtful(players[9], 4.0, 6.0, tenant_id)
    deps = world.world.deps
    plan = dry_run(deps, tenant_id, "force", "oncall")
    for kind in (ApprovalKind.BACKFILL_FORCE, ApprovalKind.BACKFILL_UNDO):
        approve(deps.state, kind, plan)
    if scenario == "undo":
        force(deps, plan.plan_id, "oncall")
    return Tenant(tenant_id, plan)


def request(tenant: Tenant, operation: str, kill: Kill | None = None) -> Request:
    """The request for an operation on this tenant."""
    return Request(operation, tenant.tenant_id if operation == "plan" else tenant.plan.plan_id, kill)


def move_money(world: KilledWorld, tenant: Tenant) -> None:
    """What a live platform does meanwhile: a credit on both sides, a webhook to a wallet, and one that makes a wallet from 0."""
    both, alone, new = tenant.player(0), tenant.player(3), tenant.player(1)
    run, tenant_id, more = world.platform._run, tenant.tenant_id, "balance_real_available = balance_real_available + %s"
    run(f"update player set {more} where tenant_id = %s and id = %s", 1.25, tenant_id, both)
    world.platform.book(tenant_id, both, LedgerRow("wallet", "credit", 1.25, NOW, status="manual_credit"))
    for player_id, amount in ((both, 1.25), (alone, 5.5)):
        run(f"update walletbalance set {more} where tenant_id = %s and player_id = %s", amount, tenant_id, player_id)
    for player_id, amount in ((alone, 5.5), (new, 77.0)):
        world.platform.book(tenant_id, player_id, LedgerRow("deposit", "credit", amount, NOW, status="deposit_captured"))
    world.platform.set_wallet(tenant_id, new, 77.0, bonus=1.0)
