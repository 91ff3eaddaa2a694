"""What both stores of access events promise."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import StaleVersionError
from ledger_guard.domain.followed_logs import FollowedLog, FollowState, LogPosition

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
FILE = IngestedFile("5f0c1b3a-0000-4000-8000-000000000001", "access.log", "0" * 64, "ingress_json")


def event(key, **fields):
    plain = AccessEvent(key, NOON, "casino_a", "p-1", "POST", "/w", None, 400, "INSUFFICIENT_FUNDS")
    return replace(plain, **fields)


def test_events_come_back_as_they_were_delivered(kept):
    found = [
        event("a"),
        event("b", subject_id=None, provider="mockpsp", status=201, error_code=None, error_code_is_known=False),
        event("c", path="/tab\\here", tenant_id="00000000-0000-4000-8000-000000000002", error_code="\\N"),
        event("d", provider="mockpsp", amount_cents=1_999, source_address="203.0.113.7"),
        event("e", provider="mockpsp", source_address="2001:db8::7"),
    ]
    with kept.store.delivery() as delivery:
        assert delivery.add(found) == len(found)
    assert kept.events() == found


def test_a_known_key_is_stored_once_within_a_batch_between_batches_and_between_deliveries(kept):
    with kept.store.delivery() as delivery:
        assert delivery.add([event("a"), event("a"), event("b")]) == 2
        assert delivery.add([event("b"), event("c")]) == 1
    with kept.store.delivery() as delivery:
        assert delivery.add([event("a", status=200), event("d")]) == 1
    assert [each.event_key for each in kept.events()] == ["a", "b", "c", "d"]
    assert kept.events()[0].status == 400


def test_nothing_to_add_and_nothing_to_reject_is_fine(kept):
    with kept.store.delivery() as delivery:
        delivery.begin(FILE)
        assert delivery.add([]) == 0
        delivery.keep_rejects(FILE, [])
        delivery.finish(FILE)
    assert kept.events() == []


def test_rejects_and_counts_are_kept_with_their_file(kept):
    rejects = [RejectedLine(3, "is not JSON", "service.boot"), RejectedLine(9, "has no field 'status'", "{…")]
    with kept.store.delivery() as delivery:
        delivery.begin(FILE)
        delivery.keep_rejects(FILE, rejects[:1])
        delivery.keep_rejects(FILE, rejects[1:])
        delivery.finish(replace(FILE, lines=9, accepted=5, already_known=2, rejected=2))
    assert kept.rejects(FILE.ingest_id) == rejects
    assert kept.counts() == [(5, 2, 2)]


def cut_off_delivery(kept):
    with kept.store.delivery() as delivery:
        delivery.begin(FILE)
        delivery.add([event("a")])
        delivery.advance(NOON, NOON)
        delivery.audit.append(AuditEvent("ingest", "ops", "file:x", {}, NOON))
        raise RuntimeError("cut off")


def test_a_delivery_that_fails_leaves_no_trace(kept):
    with pytest.raises(RuntimeError, match="cut off"):
        cut_off_delivery(kept)
    assert (kept.events(), kept.counts(), kept.complete_through()) == ([], [], None)
    with kept.store.delivery() as delivery:
        assert delivery.audit.head()[0] == 0


@pytest.mark.parametrize(
    ("second", "reached"),
    [
        pytest.param(NOON - timedelta(seconds=1), NOON, id="never backwards"),
        pytest.param(NOON, NOON, id="the same again"),
        pytest.param(NOON + timedelta(seconds=1), NOON + timedelta(seconds=1), id="forwards"),
    ],
)
def test_the_moment_of_completeness_never_moves_backwards(kept, second, reached):
    with kept.store.delivery() as delivery:
        assert delivery.advance(NOON, NOON) == NOON
    with kept.store.delivery() as delivery:
        assert delivery.advance(second, NOON) == reached
    assert kept.complete_through() == reached


def test_a_batch_with_known_events_among_new_ones_is_counted_whatever_came_before(kept):
    with kept.store.delivery() as delivery:
        assert delivery.add([event("a"), event("b")]) == 2
        for batch, new in (("bcb", 1), ("cd", 1), ("ef", 2), ("gg", 1), ("abcdefg", 0), ("h", 1)):
            assert delivery.add([event(key) for key in batch]) == new
    assert [each.event_key for each in kept.events()] == list("abcdefgh")


POSITION = LogPosition(
    position_id="5f0c1b3a-0000-4000-8000-0000000000a1", ingest_id=FILE.ingest_id, path="/a.log", file_id="8:12345678901234567890",
    fingerprint="f" * 64, fingerprint_bytes=100, read_bytes=100, checksum=2**32 - 1, read_lines=3, near=NOON, seen_bytes=140,
    seen_at=NOON,
)  # fmt: skip
SO_FAR = replace(FILE, lines=3, accepted=2, rejected=1, first_event=NOON, last_event=NOON, first_reject="line 3: is not JSON")


def with_a_position(kept, position=POSITION):
    with kept.store.delivery() as delivery:
        delivery.begin(FILE)
        delivery.finish(SO_FAR)
        delivery.keep_position(position, None)


def followed(kept):
    with kept.store.delivery() as delivery:
        return list(delivery.followed())


def test_a_position_comes_back_with_the_result_so_far(kept):
    assert followed(kept) == []
    with_a_position(kept)
    assert followed(kept) == [FollowedLog(POSITION, SO_FAR)]
    further = replace(POSITION, read_bytes=140, near=None, file_id=None, state=FollowState.ENDED)
    with kept.store.delivery() as delivery:
        delivery.keep_position(further, 100)
    assert [log.position for log in followed(kept)] == [further]


@pytest.mark.parametrize("known_bytes", [99, 101, None], ids=["less was read", "more was read", "nothing was read"])
def test_a_position_that_moved_meanwhile_is_not_overwritten(kept, known_bytes):
    with_a_position(kept)
    with pytest.raises(StaleVersionError, match="another process follows it"), kept.store.delivery() as delivery:
        delivery.keep_position(replace(POSITION, read_bytes=140), known_bytes)
    assert [log.position for log in followed(kept)] == [POSITION]


def test_a_file_has_one_position_until_it_gives_it_up(kept):
    with_a_position(kept)
    other = replace(POSITION, position_id="5f0c1b3a-0000-4000-8000-0000000000a2")
    with pytest.raises(StaleVersionError), kept.store.delivery() as delivery:
        delivery.keep_position(other, None)
    with kept.store.delivery() as delivery:
        delivery.keep_position(replace(POSITION, file_id=None), 100)
        delivery.keep_position(other, None)
    assert len(followed(kept)) == 2


@pytest.mark.parametrize(("seconds", "kept_positions"), [(-1, 1), (0, 1), (1, 0)])
def test_positions_that_were_not_seen_since_are_forgotten(kept, seconds, kept_positions):
    with_a_position(kept)
    with kept.store.delivery() as delivery:
        delivery.forget_positions(NOON + timedelta(seconds=seconds))
    assert len(followed(kept)) == kept_positions
