"""What both stores of access events promise."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.audit import AuditEvent

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
