"""Random days of a small casino: money moves, the guard plans, forces, is killed, undoes and verifies, in any order."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.use_cases.backfill_properties.casino import KINDS, Casino
from tests.use_cases.backfill_properties.promises import Promises

MOST_PLAYERS = 6

_number = st.integers(0, MOST_PLAYERS - 1)
_amount = st.sampled_from([1, 10, 99, 250, 1000, 2500])
_move = st.sampled_from([-250, -10, 1, 10, 1000])
_kind = st.sampled_from(KINDS)
_which = st.sampled_from([-1, -1, -1, -2])
_reading = st.integers(1, 14)

has_plan = precondition(lambda self: bool(self.promises.known))


class BackfillMachine(RuleBasedStateMachine):
    """Rules over one casino; what must hold is in promises.py."""

    def __init__(self, casino: Casino) -> None:
        super().__init__()
        self.casino, self.promises = casino, Promises(casino)

    @initialize(kinds=st.lists(st.tuples(_kind, _amount), min_size=1, max_size=MOST_PLAYERS - 1))
    def open_with(self, kinds):
        for kind, cents in kinds:
            self.casino.arrive(kind, cents)

    @precondition(lambda self: self.casino.players_made < MOST_PLAYERS)
    @rule(kind=_kind, cents=_amount)
    def a_player_arrives(self, kind, cents):
        self.casino.arrive(kind, cents)
        self.promises.something_moved()

    @rule(number=_number, cents=_move)
    def money_moves(self, number, cents):
        self._with_player(number, lambda player_id: self.casino.move(player_id, cents))

    @rule(number=_number, cents=_move)
    def a_hand_of_poker_reaches_the_player_only(self, number, cents):
        self._with_player(number, lambda player_id: self.casino.hand(player_id, cents))

    @rule(number=_number, cents=_amount, is_in_the_shadow=st.sampled_from([False, False, True]))
    def a_deposit_reaches_the_wallet_only_or_nobody(self, number, cents, is_in_the_shadow):
        take = self.casino.deposit_in_the_shadow if is_in_the_shadow else self.casino.deposit
        self._with_player(number, lambda player_id: take(player_id, cents))

    @rule(number=_number)
    def the_platforms_script_copies_a_player(self, number):
        self._with_player(number, self.casino.copy_player)

    @rule(number=_number)
    def a_bonus_is_given(self, number):
        self._with_wallet(number, self.casino.give_bonus)

    @rule(number=st.just(0))
    def a_player_is_deleted(self, number):
        self._with_player(number, self.casino.leave)

    @rule()
    def plan(self):
        self.promises.plan()

    @has_plan
    @rule(which=_which, is_approved=st.sampled_from([True, True, False]))
    def force(self, which, is_approved):
        self.promises.force(which, kill_at=None, is_approved=is_approved)

    @has_plan
    @rule(which=_which, reading=_reading)
    def force_and_be_killed(self, which, reading):
        self.promises.force(which, kill_at=reading, is_approved=True)

    @has_plan
    @rule(which=_which)
    def undo(self, which):
        self.promises.undo(which, kill_at=None)

    @has_plan
    @rule(which=_which, reading=_reading)
    def undo_and_be_killed(self, which, reading):
        self.promises.undo(which, kill_at=reading)

    @rule()
    def verify(self):
        self.promises.verify()

    @rule()
    def plan_force_and_verify(self):
        self.promises.plan()
        self.promises.force(-1, kill_at=None, is_approved=True)
        assert self.promises.is_settled
        self.promises.verify()

    @rule(
        number=_number, cents=_amount, side=st.sampled_from(["wallet", "player", "both"]), then=st.sampled_from(["force", "undo"])
    )
    def money_moves_in_between(self, number, cents, side, then):
        """The moment that force and undo are there for: something moved since the dry-run, or since the force."""
        self.promises.plan()
        if then == "undo":
            self.promises.force(-1, kill_at=None, is_approved=True)
        if side == "wallet":
            self._with_wallet(number, lambda player_id: self.casino.deposit(player_id, cents))
        else:
            move = self.casino.hand if side == "player" else self.casino.move
            self._with_player(number, lambda player_id: move(player_id, cents))
        if then == "undo":
            self.promises.undo(-1, kill_at=None)
        else:
            self.promises.force(-1, kill_at=None, is_approved=True)

    def _with_player(self, number, change):
        player_id = self.casino.player_id(number)
        if player_id in self.casino.players():
            change(player_id)
            self.promises.something_moved()

    def _with_wallet(self, number, change):
        player_id = self.casino.player_id(number)
        if player_id in self.casino.wallets():
            change(player_id)
            self.promises.something_moved()


def days(examples: int, steps: int) -> settings:
    """The same examples in every run, however slow the machine is; a third of them in a quick one."""
    is_quick = settings.get_current_profile_name() == "check"
    return settings(
        max_examples=examples // 3 if is_quick else examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
