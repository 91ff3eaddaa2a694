"""Who is behind the events: the same order and limits in memory and in Postgres; figures in Postgres."""

from datetime import timedelta

import pytest
from signal_worlds import NOON, postgres_source, request_event, webhook_event
from tests.triggers import T1, T2, T3

from ledger_guard.adapters.memory.signals import InMemoryTriageSource
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.forged_calls import RefusedIds, RefusedSenders, Sender
from ledger_guard.ports.platform import AffectedSubject, CallCount, FailureGroup

FUNDS, SIGNATURE = "INSUFFICIENT_FUNDS", "WEBHOOK_SIGNATURE_INVALID"
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def triage(request, policy):
    """Refusals: a/p1 three times, a/p2 and a/p3 twice, b/p9 once, all at noon; c/p8 an hour earlier."""
    counts = {("a", "p1"): 3, ("a", "p3"): 2, ("a", "p2"): 2, ("b", "p9"): 1}
    if request.param == "memory":
        source = InMemoryTriageSource()
        source.affect(T1, NOON, *(AffectedSubject(tenant, player, events) for (tenant, player), events in counts.items()))
        source.affect(T1, NOON - HOUR, AffectedSubject("c", "p8", 1))
        return source
    uri = request.getfixturevalue("database_uri")
    events = [request_event(t, 400, FUNDS, subject_id=p) for (t, p), times in counts.items() for _ in range(times)]
    postgres_source(uri, policy).arrive([*events, request_event("c", 400, FUNDS, subject_id="p8", event_time=NOON - HOUR)])
    settings = request.getfixturevalue("settings")
    return PostgresTriageSource(settings, settings, policy)


def names(found):
    return [(subject.tenant_id, subject.subject_id, subject.events) for subject in found]


def test_subjects_come_by_tenant_most_events_first(triage):
    found = triage.affected_subjects(T1, ["b", "a"], NOON, NOON + HOUR, 10)
    assert names(found) == [("a", "p1", 3), ("a", "p2", 2), ("a", "p3", 2), ("b", "p9", 1)]


def test_the_limit_holds_for_each_tenant(triage):
    assert names(triage.affected_subjects(T1, ["a", "b"], NOON, NOON + HOUR, 1)) == [("a", "p1", 3), ("b", "p9", 1)]


def test_only_the_asked_tenants_and_moments_count(triage):
    assert names(triage.affected_subjects(T1, ["c"], NOON - HOUR, NOON, 10)) == [("c", "p8", 1)]
    assert triage.affected_subjects(T1, ["c"], NOON, NOON + HOUR, 10) == []
    assert triage.affected_subjects(T1, [], NOON, NOON + HOUR, 10) == []
    assert triage.affected_subjects(T2, ["a"], NOON, NOON + HOUR, 10) == []


@pytest.fixture
def postgres_triage(settings, policy):
    return PostgresTriageSource(settings, settings, policy)


@pytest.mark.postgres
def test_refused_players_come_with_what_player_and_wallet_hold(postgres_triage, database_uri, policy, rows):
    rows.player("a", "p1", 50.0)
    rows.wallet("a", "p1", 12.345)
    rows.player("a", "p2", 0.0)
    rows.player("b", "p1x", 1.0)
    events = [request_event("a", 400, FUNDS, subject_id=player) for player in ("p1", "p2", "p3", "p1x")]
    postgres_source(database_uri, policy).arrive([*events, request_event("a", 400, FUNDS, subject_id=None)])
    found = postgres_triage.affected_subjects(T1, ["a"], NOON, NOON + HOUR, 10)
    assert found == [
        AffectedSubject("a", "p1", 1, player_available=5000, wallet_available=1235),
        AffectedSubject("a", "p1x", 1),
        AffectedSubject("a", "p2", 1, player_available=0, right_available=0),
        AffectedSubject("a", "p3", 1),
    ]


@pytest.mark.postgres
def test_webhook_subjects_need_no_balances(postgres_triage, database_uri, policy, rows):
    rows.run("drop table walletbalance")
    postgres_source(database_uri, policy).arrive([webhook_event("a", 401, SIGNATURE, subject_id="wh-7")])
    assert postgres_triage.affected_subjects(T2, ["a"], NOON, NOON + HOUR, 10) == [AffectedSubject("a", "wh-7", 1)]


@pytest.mark.postgres
def test_failures_are_grouped_by_provider_and_code_with_all_calls_of_the_provider(postgres_triage, database_uri, policy):
    postgres_source(database_uri, policy).arrive(
        [
            webhook_event("a", 401, SIGNATURE, event_time=NOON + timedelta(seconds=30)),
            webhook_event("a", 401, SIGNATURE, event_time=NOON + timedelta(seconds=20)),
            webhook_event("b", 401, "WEBHOOK_TIMESTAMP_STALE"),
            webhook_event("a", 200),
            webhook_event("a", 503),
            webhook_event("a", 200, provider="stripe"),
            webhook_event("a", 401, None, provider="stranger", error_code_is_known=False),
            webhook_event("a", 401, SIGNATURE, event_time=NOON + HOUR),
        ]
    )
    assert postgres_triage.failures_by_provider(T2, NOON, NOON + HOUR) == [
        FailureGroup("mockpsp", SIGNATURE, 2, 4, NOON + timedelta(seconds=20)),
        FailureGroup("mockpsp", "WEBHOOK_TIMESTAMP_STALE", 1, 4, NOON),
        FailureGroup("stranger", "(not logged)", 1, 1, NOON),
        FailureGroup("stripe", "", 0, 1, NOON),
    ]


@pytest.mark.postgres
def test_calls_count_from_a_providers_first_refusal_and_those_before_are_told_apart(postgres_triage, database_uri, policy):
    """21 calls accepted before a flip would make 73 of 73 refused ones look like 78 %."""
    flip = NOON + timedelta(minutes=30)
    postgres_source(database_uri, policy).arrive(
        [
            *(webhook_event("a", 200, event_time=NOON + timedelta(minutes=minute)) for minute in range(21)),
            *(webhook_event("a", 401, SIGNATURE, event_time=flip + timedelta(seconds=second)) for second in range(73)),
            webhook_event("a", 200, provider="stripe", event_time=flip - timedelta(microseconds=1)),
            webhook_event("a", 200, provider="stripe", event_time=flip),
        ]
    )
    assert postgres_triage.failures_by_provider(T2, NOON, NOON + HOUR) == [
        FailureGroup("mockpsp", SIGNATURE, 73, 73, flip, calls_before=21),
        FailureGroup("stripe", "", 0, 1, flip - timedelta(microseconds=1), calls_before=1),
    ]


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def webhooks(request, policy):
    """A source of webhook calls, and how it is fed."""
    if request.param == "memory":
        source = InMemoryTriageSource()
        return source, lambda events: source.receive(policy, events)
    uri, settings = request.getfixturevalue("database_uri"), request.getfixturevalue("settings")
    return PostgresTriageSource(settings, settings, policy), postgres_source(uri, policy).arrive


def test_webhook_calls_are_counted_by_span_provider_and_tenant(webhooks):
    source, arrive = webhooks
    last = NOON + HOUR - timedelta(microseconds=1)
    arrive(
        [
            webhook_event("a", 200),
            webhook_event("a", 204, event_time=last),
            webhook_event("a", 401, SIGNATURE),
            webhook_event("a", 401, None, error_code_is_known=False),
            webhook_event("a", 503),
            webhook_event("b", 200, provider="stripe"),
            webhook_event("a", 200, provider=None, path="/api/v1/payments/webhook/"),
            webhook_event("a", 200, event_time=NOON + HOUR),
            webhook_event("a", 200, event_time=NOON - HOUR),
            request_event("a", 200),
        ]
    )
    noon = [CallCount("(unknown)", "a", 1, 0), CallCount("mockpsp", "a", 2, 2), CallCount("stripe", "b", 1, 0)]
    spans = [(NOON, NOON + HOUR), (NOON - 2 * HOUR, NOON - HOUR), (NOON - HOUR, NOON), (NOON, NOON + HOUR)]
    assert source.webhook_calls(T2, spans) == [noon, [], [CallCount("mockpsp", "a", 1, 0)], noon]
    assert source.webhook_calls(T2, []) == []


def test_refused_ids_are_known_when_they_were_accepted_too(webhooks):
    source, arrive = webhooks
    times = [NOON + timedelta(minutes=minute) for minute in range(20)]
    arrive(
        [
            *(webhook_event("a", 401, SIGNATURE, subject_id=f"wh-{n}", event_time=at) for n, at in enumerate(times)),
            webhook_event("a", 401, SIGNATURE, subject_id="wh-19", event_time=times[-1]),
            webhook_event("a", 401, SIGNATURE, subject_id=None, event_time=times[-1]),
            webhook_event("a", 200, subject_id="wh-0", event_time=NOON - HOUR),
            webhook_event("a", 200, subject_id="wh-1", event_time=NOON - HOUR - timedelta(seconds=1)),
            webhook_event("a", 200, subject_id="wh-19", event_time=times[-1] + timedelta(minutes=1)),
            webhook_event("a", 200, subject_id="wh-2", event_time=NOON + HOUR),
            webhook_event("a", 200, subject_id=None),
        ]
    )
    found, most_since = source.refused_ids(T2, NOON, NOON + HOUR, NOON - HOUR)
    assert found == RefusedIds(refused=22, without_id=1, ids=20, known_ids=2)
    assert most_since == times[2]


def test_without_refusals_there_are_no_ids_and_no_moment(webhooks):
    source, arrive = webhooks
    arrive([webhook_event("a", 200)])
    assert source.refused_ids(T2, NOON, NOON + HOUR, NOON - HOUR) == (RefusedIds(0, 0, 0, 0), None)


def refused_from(address, times=1, **fields):
    return [webhook_event("a", 401, SIGNATURE, source_address=address, **fields) for _ in range(times)]


def accepted_from(address, times=1, **fields):
    return [webhook_event("a", 200, source_address=address, **fields) for _ in range(times)]


def test_senders_come_by_their_refused_calls_with_what_was_accepted_of_them(webhooks):
    source, arrive = webhooks
    arrive(
        [
            *refused_from("203.0.113.7", 5),
            *refused_from("2001:db8::7", 2, event_time=NOON + HOUR - timedelta(microseconds=1)),
            *refused_from("198.51.100.4", 2),
            *accepted_from("198.51.100.4", 3),
            *refused_from("9.9.9.9", 2),
            *refused_from(None, 4),
            # none of these counts: never refused, another moment, another answer, another trigger's
            *accepted_from("192.0.2.1", 9),
            *accepted_from(None, 9),
            *refused_from("203.0.113.8", event_time=NOON + HOUR),
            *refused_from("203.0.113.8", event_time=NOON - timedelta(microseconds=1)),
            webhook_event("a", 503, source_address="203.0.113.7"),
            *refused_from("203.0.113.8", path="/api/v1/payments/adyen/webhook"),
        ]
    )
    most = (Sender("203.0.113.7", 5, 0), Sender("198.51.100.4", 2, 3), Sender("2001:db8::7", 2, 0), Sender("9.9.9.9", 2, 0))
    for limit in (1, 3, 4, 5, 6):
        found = source.refused_senders(T2, NOON, NOON + HOUR, limit)
        assert found == RefusedSenders(most[:limit], addresses=4, refused=15, without_address=4)


def test_where_no_refused_call_has_an_address_that_much_is_told(webhooks):
    source, arrive = webhooks
    assert source.refused_senders(T2, NOON, NOON + HOUR, 5) == RefusedSenders((), 0, 0, 0)
    arrive([*refused_from(None, 2), *accepted_from("192.0.2.1")])
    assert source.refused_senders(T2, NOON, NOON + HOUR, 5) == RefusedSenders((), 0, 2, 2)


@pytest.mark.postgres
def test_a_trigger_that_is_not_read_from_requests_has_no_subjects_to_ask_for(postgres_triage):
    with pytest.raises(BadInputError, match="not sensed from requests"):
        postgres_triage.affected_subjects(T3, ["a"], NOON, NOON + HOUR, 10)


def test_calls_of_another_triggers_requests_are_not_its_own(webhooks):
    source, arrive = webhooks
    arrive([webhook_event("a", 200, provider="mockpsp"), request_event("a", 400, FUNDS)])
    span = [(NOON, NOON + HOUR)]
    assert source.webhook_calls(T2, span) == [[CallCount("mockpsp", "a", 1, 0)]]
    assert [(count.accepted, count.refused) for count in source.webhook_calls(T1, span)[0]] == [(0, 1)]
    assert source.refused_ids(T2, NOON, NOON + HOUR, NOON - HOUR)[0].refused == 0
    assert source.refused_ids(T1, NOON, NOON + HOUR, NOON - HOUR)[0].refused == 1
