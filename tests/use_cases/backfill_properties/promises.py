"""The guard's steps in a casino, each held to what it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.use_cases.backfill.backfill_worlds import ACTOR, Killed, approve
from tests.use_cases.backfill_properties.casino import Casino, Pair, Wallet, cents_of

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import ForceOutcome, Plan, PlanRow, PlanStatus, UndoOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.verify import verify

#: before and after; None where there is no wallet
Change = tuple[Wallet | None, Wallet | None]


@dataclass
class Known:
    """A plan and what the test knows of its runs."""

    plan: Plan
    rows: dict[str, PlanRow]
    #: what each player's wallet should have held when the plan was made
    right: dict[str, tuple[Cents, Cents]]
    #: players whose wallet was written, by operation
    written: dict[str, set[str]]
    was_killed: bool = False


class Promises:
    """Drives the guard in one casino and checks every step of it."""

    def __init__(self, casino: Casino) -> None:
        self.casino, self._world = casino, casino.world
        self.known: list[Known] = []
        self._hashes: dict[str, str] = {}
        #: nothing moved since the newest plan was made; and it is carried out
        self.is_fresh = self.is_settled = False

    def something_moved(self) -> None:
        self.is_fresh = self.is_settled = False

    def plan(self) -> None:
        """Same data, same hash; a dry-run writes no wallet. Whoever has no row is right, and who may be written gets what is."""
        before, data = self.casino.wallets(), self.casino.data()
        plan = dry_run(self._world.deps, self.casino.tenant_id, "force", ACTOR)
        assert self.casino.wallets() == before
        assert self._hashes.setdefault(data, plan.plan_hash) == plan.plan_hash
        rows = {row.player_id: row for row in self._world.stored(plan.plan_id).rows}
        for player_id in self.casino.players():
            row, right = rows.get(player_id), self.casino.right[player_id]
            if row is None:
                assert self.casino.is_right(player_id), f"{player_id}: wrong, and nobody is told"
            elif row.cause.is_writable:
                assert (row.target_available, row.target_pending) == right, f"{player_id}: {row.cause} {row.reason}"
        self.known.append(Known(plan, rows, dict(self.casino.right), {"force": set(), "undo": set()}))
        self.is_fresh, self.is_settled = True, False

    def force(self, which: int, *, kill_at: int | None, is_approved: bool) -> None:
        """Writes exactly the writable rows that still are what the plan saw, with what was right when the plan was made."""
        known = self.known[max(which, -len(self.known))]
        status, needs = self._status(known), bool(known.plan.guardrails_exceeded)
        if is_approved:
            approve(self._world.deps.state, ApprovalKind.BACKFILL_FORCE, known.plan)
        players = self.casino.players()
        expected = {row.player_id for row in known.rows.values() if self._is_as_planned(row, players)}
        outcome, changes = self._run(lambda: force(self._world.deps, known.plan.plan_id, ACTOR), kill_at)
        for player_id, (before, after) in changes.items():
            assert player_id in expected, f"{player_id}: written though it is not what the plan saw, or is a human's"
            assert cents_of(before and before[:2]) != known.right[player_id], f"{player_id}: written though its wallet was right"
            assert after is not None
            assert cents_of(after[:2]) == known.right[player_id], f"{player_id}: money was lost"
        self._note(known, "force", changes)
        if isinstance(outcome, SafetyRefusal):
            assert not changes
            assert status in (PlanStatus.UNDOING, PlanStatus.UNDONE) or needs
        elif outcome is None:
            known.was_killed = True
        else:
            assert isinstance(outcome, ForceOutcome)
            if status is PlanStatus.PLANNED:
                writable = sum(row.cause.is_writable for row in known.rows.values())
                assert changes.keys() == expected
                assert outcome == ForceOutcome(len(expected), writable - len(expected), 0)
            self._assert_counts(known, "force")
            self.is_settled = self.is_settled or (self.is_fresh and known is self.known[-1])
        if known is not self.known[-1] and changes:
            self.something_moved()

    def undo(self, which: int, *, kill_at: int | None) -> None:
        """Gives back what stood there, exactly where the wallet still holds what force wrote."""
        known = self.known[max(which, -len(self.known))]
        status = self._status(known)
        approve(self._world.deps.state, ApprovalKind.BACKFILL_UNDO, known.plan)
        images = self._world.images(known.plan.plan_id, "force")
        wallets, players = self.casino.wallets(), self.casino.players()
        still = {each for each, image in images.items() if each in players and _still_holds(image, wallets.get(each))}
        outcome, changes = self._run(lambda: undo(self._world.deps, known.plan.plan_id, ACTOR), kill_at)
        for player_id, (_, after) in changes.items():
            assert player_id in still, f"{player_id}: given back though somebody wrote it since"
            assert player_id in known.written["force"], f"{player_id}: given back though force never wrote it"
            assert (after[:2] if after else None) == images[player_id][0]
        self._note(known, "undo", changes)
        assert isinstance(outcome, BadInputError) == (status is PlanStatus.PLANNED)
        if outcome is None:
            known.was_killed = True
        elif isinstance(outcome, UndoOutcome):
            self._assert_counts(known, "undo")
            if status is PlanStatus.FORCED and not known.was_killed:
                assert changes.keys() == still
                assert outcome == UndoOutcome(len(still), len(images) - len(still))
        if changes or status is not PlanStatus.PLANNED:
            self.something_moved()

    def verify(self) -> None:
        """Never clean while a wallet is wrong. After a force of a fresh plan, without moves since, only humans' rows remain."""
        plan_id = self.known[-1].plan.plan_id if self.known else None
        before = self.casino.wallets()
        found = verify(self._world.deps, self.casino.tenant_id, plan_id)
        assert self.casino.wallets() == before
        wrong = [player_id for player_id in self.casino.players() if not self.casino.is_right(player_id)]
        assert not (found.is_clean and wrong), f"clean although {wrong} are wrong"
        if self.is_settled:
            assert found.counts.repairable == 0
            assert found.is_clean == (found.counts.for_humans == 0)

    def _run(self, step: Callable[[], object], kill_at: int | None) -> tuple[object, dict[str, Change]]:
        """The step's outcome (None when it was killed, or the refusal), and the wallets that it changed."""
        before = self.casino.wallets()
        self._world.clock.kill_at_reading = kill_at
        try:
            outcome = step()
        except Killed:
            outcome = None
        except (SafetyRefusal, BadInputError) as refusal:
            outcome = refusal
        finally:
            self._world.clock.kill_at_reading = None
        after = self.casino.wallets()
        pairs = {each: (before.get(each), after.get(each)) for each in before.keys() | after.keys()}
        changes = {each: pair for each, pair in pairs.items() if pair[0] != pair[1]}
        for player_id, (old, new) in changes.items():
            assert (old or (0.0,) * 4)[2:] == (new or (0.0,) * 4)[2:], f"{player_id}: its bonus changed"
        return outcome, changes

    def _note(self, known: Known, operation: str, changes: dict[str, Change]) -> None:
        assert not known.written[operation] & changes.keys(), f"{operation} wrote a row twice"
        known.written[operation] |= changes.keys()
        images = self._world.images(known.plan.plan_id, operation)
        for player_id, (before, after) in changes.items():
            assert images[player_id] == (before[:2] if before else None, after[:2] if after else None)

    def _assert_counts(self, known: Known, operation: str) -> None:
        """The audit log tells of each written row once."""
        verb, word = f"plan:{known.plan.plan_id}", "applied" if operation == "force" else "restored"
        with self._world.deps.state.transaction() as state:
            entries = [each.event for each in state.audit.entries() if each.event.subject == verb]
        batches = [each.detail for each in entries if each.verb == operation and "last_player_id" in each.detail]
        states = self._world.states(known.plan.plan_id).values()
        counted = ("applied", "restored", "kept") if operation == "force" else ("restored",)
        assert sum(int(str(detail[word])) for detail in batches) == sum(each in counted for each in states)
        assert "intended" not in states

    def _status(self, known: Known) -> PlanStatus:
        return self._world.stored(known.plan.plan_id).status

    def _is_as_planned(self, row: PlanRow, players: dict[str, Pair]) -> bool:
        if not row.cause.is_writable or row.player_id not in players:
            return False
        wallet = self.casino.wallets().get(row.player_id)
        seen = None if row.wallet_available is None else (row.wallet_available, row.wallet_pending)
        player = cents_of(players[row.player_id])
        return player == (row.player_available, row.player_held) and cents_of(wallet[:2] if wallet else None) == seen


def _still_holds(image: tuple[Pair | None, Pair | None], wallet: Wallet | None) -> bool:
    before, after = image
    return wallet is not None and wallet[:2] == after and (before is not None or wallet[2:] == (0.0, 0.0))
