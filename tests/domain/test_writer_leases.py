"""Whose turn it is to write a tenant's wallets: who takes over from whom, in which order, and what a moved clock does."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.errors import ConcurrentWriterError, SafetyRefusal, SourceUnavailable, WriterSuperseded
from ledger_guard.domain.writer_leases import (
    COMES_FREE_SECONDS,
    ENDS_BY_ITSELF_SECONDS,
    LEASE,
    LOOK_SECONDS,
    NO_RUN,
    Turn,
    WriterClaim,
    WriterLease,
    as_lease_holder,
    claim_of,
    new_lease,
    superseded,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
RUN, ANOTHER = "tenant_backfill/run 1", "tenant_backfill/run 2"


def lease(claim: WriterClaim = NO_RUN, at: datetime = NOW) -> WriterLease:
    return new_lease("acme", "plan 1", "force", claim, at)


def first_try(at: datetime = NOW) -> WriterLease:
    return lease(WriterClaim(RUN, 1), at)


def second_try(at: datetime = NOW) -> WriterLease:
    return lease(WriterClaim(RUN, 2), at)


class Room:
    """One tenant's lease and lock: the lock is `held_by` someone for a number of looks, or until its session is ended."""

    def __init__(self, held: WriterLease | None = None, looks_held: float = 0) -> None:
        self.held, self.looks_held = held, looks_held
        #: for how many looks an open batch keeps the lease
        self.batches_open = 0
        self.slept = 0.0
        self.sessions_ended = 0
        self.ended_frees = True
        self.done: list[str] = []

    def of_tenant(self, _tenant_id: str) -> WriterLease | None:
        return self.held

    def take(self, wanted: WriterLease, seen: WriterLease | None) -> bool:
        if self.held != seen or self.batches_open > 0:
            return False
        self.held = wanted
        self.done.append("taken")
        return True

    def end(self, mine: WriterLease) -> None:
        if self.held is not None and self.held.token == mine.token:
            self.done.append("over")

    @contextmanager
    def lock(self):
        if self.looks_held > 0:
            raise ConcurrentWriterError("tenant acme: another backfill is writing")
        self.done.append("locked")
        try:
            yield
        finally:
            self.done.append("unlocked")

    def end_holder(self) -> None:
        self.sessions_ended += 1
        if self.ended_frees:
            self.looks_held = 0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.looks_held -= 1
        self.batches_open -= 1

    def entered(self, mine: WriterLease, *, may_end_holder: bool = True) -> None:
        turn = Turn(self.lock, self.end_holder if may_end_holder else None, self.sleep)
        with as_lease_holder(self, mine, turn):
            self.done.append("writes")


# --- who may ------------------------------------------------------------------------------------------------------


def test_the_first_writer_of_a_tenant_says_so_before_it_takes_the_lock_and_ends_after_it_gave_it_back():
    room = Room()
    room.entered(lease())
    assert room.done == ["taken", "locked", "writes", "unlocked", "over"]


def test_a_lock_that_is_held_by_whoever_has_no_lease_is_waited_for_by_nobody():
    room = Room(looks_held=1)
    with pytest.raises(ConcurrentWriterError):
        room.entered(lease())
    assert (room.slept, room.done) == (0.0, ["taken", "over"])


@pytest.mark.parametrize("claim", [NO_RUN, WriterClaim(ANOTHER, 9), WriterClaim(RUN, 1)], ids=["no run", "other run", "same try"])
def test_nobody_takes_over_from_a_living_writer_but_a_later_try_of_its_run(claim):
    held = first_try()
    room = Room(held, looks_held=1)
    with pytest.raises(ConcurrentWriterError):
        room.entered(lease(claim))
    assert (room.held, room.done, room.slept) == (held, [], 0.0)


def test_two_writers_on_the_command_line_are_not_tries_of_one_run():
    room = Room(lease(NO_RUN), looks_held=1)
    with pytest.raises(ConcurrentWriterError):
        room.entered(lease(WriterClaim("", 5)))


def test_anybody_goes_on_at_once_where_the_lock_is_free_since_its_writer_is_gone():
    room = Room(first_try())
    room.entered(lease())
    assert room.done == ["locked", "taken", "writes", "unlocked", "over"]


def test_a_later_try_says_so_first_and_then_waits_for_the_lock():
    room = Room(first_try(), looks_held=3)
    room.entered(second_try())
    assert room.done == ["taken", "locked", "writes", "unlocked", "over"]
    assert (room.slept, room.sessions_ended) == (3 * LOOK_SECONDS, 0)


@pytest.mark.parametrize("looks_held", [0, 1])
def test_an_earlier_try_that_wakes_up_late_never_writes(looks_held):
    room = Room(second_try(), looks_held)
    with pytest.raises(WriterSuperseded, match=r"try 1 of run .* ends here and writes no more: try 2 of run") as refused:
        room.entered(first_try())
    assert (room.done, refused.value.by_own_run) == ([], True)


def test_an_end_of_another_try_does_not_let_an_earlier_one_in():
    over = WriterLease(**{**vars(second_try()), "is_over": True})
    with pytest.raises(WriterSuperseded):
        Room(over).entered(first_try())


def test_a_writer_that_was_passed_while_it_waited_does_not_write():
    room = Room(first_try(), looks_held=2)
    mine, others = second_try(), lease(WriterClaim(ANOTHER, 1))

    def sleep(_seconds: float) -> None:
        room.held, room.looks_held = others, 0

    with pytest.raises(SafetyRefusal), as_lease_holder(room, mine, Turn(room.lock, room.end_holder, sleep)):
        room.done.append("writes")
    assert "writes" not in room.done
    assert room.held == others


def test_a_writer_that_was_passed_before_it_got_the_lock_gives_it_back():
    room, others = Room(), lease(WriterClaim(ANOTHER, 1))

    @contextmanager
    def lock():
        room.held = others
        with Room.lock(room):
            yield

    with pytest.raises(WriterSuperseded) as refused, as_lease_holder(room, lease(), Turn(lock, None, room.sleep)):
        room.done.append("writes")
    assert room.done == ["taken", "locked", "unlocked"]
    assert refused.value.by_own_run is False


def test_an_open_batch_of_the_earlier_try_is_waited_for_before_its_lease_is_taken():
    room = Room(first_try(), looks_held=4)
    room.batches_open = 2
    room.entered(second_try())
    assert (room.done[:2], room.slept) == (["taken", "locked"], 4 * LOOK_SECONDS)


# --- sessions that do not let go ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("looks", "ended"), [(59, 0), (60, 0), (61, 1)])
def test_a_session_that_keeps_the_lock_is_ended_after_its_time(looks, ended):
    assert ENDS_BY_ITSELF_SECONDS / LOOK_SECONDS == 60
    room = Room(first_try(), looks_held=looks)
    room.entered(second_try())
    assert room.sessions_ended == ended


def test_a_session_that_can_not_be_ended_is_told_and_the_next_try_has_the_right_again():
    room = Room(first_try(), looks_held=10_000)
    room.ended_frees = False
    mine = second_try()
    with pytest.raises(SourceUnavailable, match=r"try 1 of run .* was told to end 90 s ago, and its session still"):
        room.entered(mine)
    assert (room.slept, room.sessions_ended) == (ENDS_BY_ITSELF_SECONDS + COMES_FREE_SECONDS, 1)
    assert (room.held, room.done) == (mine, ["taken"])
    room.looks_held = 0
    room.entered(lease(WriterClaim(RUN, 3)))
    assert room.done[-4:] == ["locked", "writes", "unlocked", "over"]


def test_where_ending_a_session_ends_no_writing_it_is_only_waited_for():
    room = Room(first_try(), looks_held=61)
    room.entered(second_try(), may_end_holder=False)
    assert (room.sessions_ended, room.done[1]) == (0, "locked")


# --- limits and clocks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "may"),
    [
        pytest.param(timedelta(0), False, id="just renewed"),
        pytest.param(LEASE - SECOND, False, id="a second below"),
        pytest.param(LEASE, True, id="at the limit"),
        pytest.param(LEASE + SECOND, True, id="a second above"),
        pytest.param(-SECOND, False, id="the clock went back by a second"),
        pytest.param(SECOND - LEASE, False, id="went back by less than a lease"),
        pytest.param(-LEASE, True, id="went back by a lease: no sign that counts"),
        pytest.param(timedelta(days=-400), True, id="went back by more than a year"),
        pytest.param(timedelta(days=400), True, id="went on by more than a year"),
    ],
)
def test_another_run_takes_over_only_from_a_writer_that_gave_no_sign_for_a_lease(age, may):
    room = Room(first_try(), looks_held=2)
    mine = lease(WriterClaim(ANOTHER, 1), NOW + age)
    if may:
        room.entered(mine)
        assert room.held == mine
    else:
        with pytest.raises(ConcurrentWriterError):
            room.entered(mine)
        assert room.held != mine


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=-400), timedelta(days=400)])
def test_a_later_try_needs_no_clock(age):
    room = Room(first_try(), looks_held=1)
    room.entered(second_try(NOW + age))
    assert room.done[-1] == "over"


def test_a_run_that_was_deleted_and_made_again_under_its_id_is_another_run():
    """Its tries count from one again; without this it could not write until they are more than the first one had."""
    made = [claim_of("tenant_backfill", "run 1", number, f"{day} March") for number, day in ((3, 1), (1, 2))]
    assert not made[0].is_later_than(made[1])
    over = WriterLease(**{**vars(lease(made[0])), "is_over": True})
    room = Room(over)
    room.entered(lease(made[1]))
    assert room.done == ["taken", "locked", "writes", "unlocked", "over"]


@pytest.mark.parametrize("made", ["", "1 March"])
@pytest.mark.parametrize(("run_id", "is_its"), [("run 1", True), ("run", False), ("run 12", False)])
def test_a_lease_tells_whose_run_took_it(made, run_id, is_its):
    assert lease(claim_of("tenant_backfill", "run 1", 1, made)).is_of("tenant_backfill", run_id) is is_its


def test_a_lease_that_somebody_ended_by_hand_is_no_later_try_of_the_run():
    """Then nobody goes on, and people have to hear of it."""
    mine = first_try()
    refused = superseded(mine, WriterLease(**{**vars(mine), "is_over": True}))
    assert not refused.by_own_run
    assert "somebody ended its lease in guard state, and nobody else writes to the wallets of tenant acme;" in str(refused)
    assert superseded(mine, second_try()).by_own_run
