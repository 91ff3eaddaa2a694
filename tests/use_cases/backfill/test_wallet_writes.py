"""What became of a write that was announced and not marked, by the values found."""

from __future__ import annotations

import pytest

from ledger_guard.domain.wallet_writes import BatchDecision, LockedRows, Pair, WalletRow, WalletWrite, judge_intents

WRITE = WalletWrite("p1", before=(10.0, 0.0), after=(20.0, 0.0))
CREATE = WalletWrite("p1", before=None, after=(20.0, 0.0))
REMOVE = WalletWrite("p1", before=(20.0, 0.0), after=None)


@pytest.mark.parametrize(
    ("intent", "stands", "writable", "expected"),
    [
        pytest.param(WRITE, (20.0, 0.0), True, BatchDecision(done=["p1"]), id="after-values stand: it was done"),
        pytest.param(WRITE, (20.0, 0.0), False, BatchDecision(done=["p1"]), id="done, whatever the player is now"),
        pytest.param(WRITE, (10.0, 0.0), True, BatchDecision(writes=[WRITE]), id="before-values stand: it is done now"),
        pytest.param(
            WRITE, (10.0, 0.0), False, BatchDecision(left=["p1"]), id="before-values stand, and it may not be done any more"
        ),
        pytest.param(WRITE, (10.001, 0.0), True, BatchDecision(left=["p1"]), id="neither, by less than a cent"),
        pytest.param(WRITE, (10.0, 1.0), True, BatchDecision(left=["p1"]), id="pending moved"),
        pytest.param(WRITE, None, True, BatchDecision(left=["p1"]), id="the row vanished"),
        pytest.param(CREATE, None, True, BatchDecision(writes=[CREATE]), id="still missing: made now"),
        pytest.param(CREATE, (20.0, 0.0), True, BatchDecision(done=["p1"]), id="it was made"),
        pytest.param(CREATE, (5.0, 0.0), True, BatchDecision(left=["p1"]), id="somebody else made it"),
        pytest.param(REMOVE, None, True, BatchDecision(done=["p1"]), id="it was removed"),
        pytest.param(REMOVE, (20.0, 0.0), True, BatchDecision(writes=[REMOVE]), id="still there: removed now"),
    ],
)
def test_an_announced_write_is_settled(intent: WalletWrite, stands: Pair | None, writable: bool, expected: BatchDecision):
    found = LockedRows({}, {"p1": WalletRow(stands)} if stands else {})
    assert judge_intents([intent], found, {"p1": writable}) == expected


@pytest.mark.parametrize(
    ("intent", "stands", "expected"),
    [
        pytest.param(WRITE, (25.5, 0.0), BatchDecision(done=["p1"]), id="written, and moved since"),
        pytest.param(WRITE, (10.0, 0.0), BatchDecision(done=["p1"]), id="written, and moved back since: not written again"),
        pytest.param(WRITE, None, BatchDecision(done=["p1"]), id="written, and gone since"),
        pytest.param(CREATE, (20.0, 0.0), BatchDecision(done=["p1"]), id="made"),
        pytest.param(CREATE, (5.0, 0.0), BatchDecision(left=["p1"]), id="not made: somebody else was first"),
        pytest.param(CREATE, None, BatchDecision(left=["p1"]), id="made and removed, or not: not made again"),
    ],
)
def test_a_transaction_that_the_platform_knows_as_committed_was_carried_out(intent, stands, expected):
    found = LockedRows({}, {"p1": WalletRow(stands)} if stands else {})
    assert judge_intents([intent], found, {"p1": True}, is_committed=True) == expected
