"""What every ReplayStore promises."""

from __future__ import annotations

import pytest
from tests.adapters.guard_state.samples import NOON, a_window
from tests.triggers import T1, T2

from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.guard_state import Checkpoint, GuardState, JudgedRevision


def kept(number: int, state: bytes = b"\x00state\xff") -> Checkpoint:
    """An engine state from before the window of this number."""
    return Checkpoint(a_window(number).start, state)


@pytest.fixture
def three(state: GuardState) -> GuardState:
    """Checkpoints before the windows 0, 6 and 12 of one trigger, and one of another."""
    with state.transaction() as transaction:
        for number in (6, 0, 12):
            transaction.replay.save_checkpoint(T1, kept(number, b"before %d" % number))
        transaction.replay.save_checkpoint(T2, kept(3))
    return state


def moments(state: GuardState, trigger: Trigger = T1) -> list[int]:
    with state.transaction() as transaction:
        return [(moment - NOON) // a_window().length for moment in transaction.replay.checkpoint_moments(trigger)]


def test_nothing_is_remembered_at_first(state):
    with state.transaction() as transaction:
        assert transaction.replay.checkpoint_moments(T1) == []
        assert transaction.replay.checkpoint(T1, a_window(99).start) is None
        assert transaction.replay.judged_revisions(T1) == []


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        pytest.param(-1, None, id="before all"),
        pytest.param(0, 0, id="at one"),
        pytest.param(11, 6, id="between"),
        pytest.param(99, 12, id="after all"),
    ],
)
def test_the_newest_checkpoint_that_saw_nothing_after_a_moment_is_found(three, moment, found):
    with three.transaction() as transaction:
        expected = None if found is None else kept(found, b"before %d" % found)
        assert transaction.replay.checkpoint(T1, a_window(moment).start) == expected


def test_each_trigger_has_its_own_checkpoints_oldest_first(three):
    assert (moments(three), moments(three, T2)) == ([0, 6, 12], [3])


def test_a_checkpoint_of_the_same_moment_is_replaced(three):
    with three.transaction() as transaction:
        transaction.replay.save_checkpoint(T1, kept(6, b"anew"))
        assert transaction.replay.checkpoint(T1, a_window(6).start) == kept(6, b"anew")
    assert moments(three) == [0, 6, 12]


def test_checkpoints_after_a_moment_are_dropped_those_of_the_moment_itself_stay(three):
    with three.transaction() as transaction:
        transaction.replay.drop_checkpoints_after(T1, a_window(6).start)
    assert (moments(three), moments(three, T2)) == ([0, 6], [3])


def test_what_was_judged_comes_back_by_window_and_a_later_judgement_replaces_the_earlier(state):
    first, second = JudgedRevision(a_window(0).start, 0), JudgedRevision(a_window(1).start, 2, frozenset({"tenant-a", "b"}))
    with state.transaction() as transaction:
        transaction.replay.save_judged_revisions(T1, [second, first])
        transaction.replay.save_judged_revisions(T1, [])
        transaction.replay.save_judged_revisions(T2, [first])
    again = JudgedRevision(a_window(0).start, 1, frozenset({"tenant-a"}))
    with state.transaction() as transaction:
        assert transaction.replay.judged_revisions(T1) == [first, second]
        transaction.replay.save_judged_revisions(T1, [again])
    with state.transaction() as transaction:
        assert transaction.replay.judged_revisions(T1) == [again, second]
        assert transaction.replay.judged_revisions(T2) == [first]


def test_what_is_older_than_a_moment_is_forgotten_that_of_the_moment_itself_stays(three):
    judged = [JudgedRevision(a_window(number).start, 0) for number in range(12)]
    with three.transaction() as transaction:
        transaction.replay.save_judged_revisions(T1, judged)
        transaction.replay.save_judged_revisions(T2, judged)
        transaction.replay.forget_before(T1, a_window(6).start)
    with three.transaction() as transaction:
        assert transaction.replay.judged_revisions(T1) == judged[6:]
        assert transaction.replay.judged_revisions(T2) == judged
    assert (moments(three), moments(three, T2)) == ([6, 12], [3])


def test_nothing_of_a_transaction_that_failed_is_remembered(three):
    def cut_off() -> None:
        with three.transaction() as transaction:
            transaction.replay.save_checkpoint(T1, kept(18))
            transaction.replay.save_judged_revisions(T1, [JudgedRevision(NOON, 1)])
            transaction.replay.forget_before(T1, a_window(12).start)
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        cut_off()
    with three.transaction() as transaction:
        assert transaction.replay.judged_revisions(T1) == []
    assert moments(three) == [0, 6, 12]
