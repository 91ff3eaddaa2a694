"""What counts as a failure, as an attempt and as neither: the same in memory and in Postgres."""

from dataclasses import replace
from datetime import timedelta

import pytest
from signal_worlds import NOON, memory_source, postgres_source, request_event, unreadable, webhook_event
from tests.triggers import T1, T2

from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, Reading
from ledger_guard.domain.windows import Window

FIVE = timedelta(minutes=5)
AT_NOON = Window(NOON, FIVE)
FUNDS, SIGNATURE = "INSUFFICIENT_FUNDS", "WEBHOOK_SIGNATURE_INVALID"


def test_t1_counts_refusals_out_of_requests_that_reached_the_funds_check(source):
    source.arrive(
        [
            request_event("a", 400, FUNDS, subject_id="p-1"),
            request_event("a", 400, FUNDS, subject_id="p-1"),
            request_event("a", 400, FUNDS, subject_id="p-2"),
            request_event("a", 201),
            request_event("a", 200),
        ]
    )
    assert source.signals.readings(T1, AT_NOON, AT_NOON) == [
        Reading(T1, "a", AT_NOON, events=3, exposure=5, subjects=2, money=MoneyAtRisk(None, 3))
    ]


@pytest.mark.parametrize(
    "look_alike",
    [
        pytest.param(request_event("a", 409, FUNDS), id="409 with the same code: manual debit"),
        pytest.param(request_event("a", 402, FUNDS), id="402 with the same code: game callback"),
        pytest.param(request_event("a", 400, "IDEMPOTENCY_KEY_REQUIRED"), id="another 400 of the path"),
        pytest.param(request_event("a", 400, None), id="a 400 that has no code"),
        pytest.param(request_event("a", 400, "insufficient_funds"), id="code in other letters"),
        pytest.param(request_event("a", 429, "RATE_LIMIT"), id="429 came before the check"),
        pytest.param(request_event("a", 403, "KYC_REQUIRED"), id="403 came before the check"),
        pytest.param(request_event("a", 500), id="a crash"),
        pytest.param(request_event("a", 302), id="a redirect"),
        pytest.param(request_event("a", 400, FUNDS, path="/api/v1/player/wallet/withdraw/"), id="path with a slash more"),
        pytest.param(request_event("a", 400, FUNDS, path="/api/v1/player/wallet"), id="another path"),
        pytest.param(request_event("a", 400, FUNDS, method="GET"), id="another method"),
        pytest.param(request_event("a", 400, FUNDS, event_time=NOON - timedelta(microseconds=1)), id="just before the window"),
        pytest.param(request_event("a", 400, FUNDS, event_time=NOON + FIVE), id="at the window's end"),
    ],
)
def test_a_look_alike_is_neither_failure_nor_attempt(source, look_alike):
    source.arrive([request_event("a", 200), look_alike])
    assert source.signals.readings(T1, AT_NOON, AT_NOON) == [
        Reading(T1, "a", AT_NOON, events=0, exposure=1, subjects=0, money=MoneyAtRisk(0))
    ]


def test_a_tenant_without_any_attempt_has_no_reading(source):
    source.arrive([request_event("a", 429, "RATE_LIMIT"), request_event("b", 400, FUNDS)])
    assert [(found.tenant_id, found.events) for found in source.signals.readings(T1, AT_NOON, AT_NOON)] == [("b", 1)]


def test_t2_counts_calls_below_its_path_by_status_and_code(source):
    source.arrive(
        [
            webhook_event("a", 401, SIGNATURE, provider="mockpsp"),
            webhook_event("a", 401, SIGNATURE, provider="stripe", subject_id="wh-2"),
            webhook_event("a", 401, "WEBHOOK_TIMESTAMP_STALE"),
            webhook_event("a", 200),
            webhook_event("a", 401, SIGNATURE, path="/api/v1/payments/adyen/webhook"),
        ]
    )
    assert source.signals.readings(T2, AT_NOON, AT_NOON) == [
        Reading(T2, "a", AT_NOON, events=2, exposure=3, subjects=2, money=MoneyAtRisk(None, 2))
    ]
    assert source.signals.readings(T1, AT_NOON, AT_NOON) == []


def test_failures_without_a_subject_count_without_one(source):
    source.arrive([request_event("a", 400, FUNDS, subject_id=None), request_event("a", 400, FUNDS, subject_id=None)])
    assert source.signals.readings(T1, AT_NOON, AT_NOON) == [
        Reading(T1, "a", AT_NOON, events=2, exposure=2, subjects=0, money=MoneyAtRisk(None, 2))
    ]


def test_many_windows_are_read_at_once_by_window_then_tenant(source):
    later = Window(NOON + 3 * FIVE, FIVE)
    source.arrive(
        [
            request_event("b", 200),
            request_event("a", 200, event_time=NOON + timedelta(seconds=299)),
            request_event("a", 400, FUNDS, event_time=later.start),
            request_event("a", 200, event_time=later.end),
        ]
    )
    found = source.signals.readings(T1, AT_NOON, later)
    assert [(each.window, each.tenant_id, each.events) for each in found] == [
        (AT_NOON, "a", 0),
        (AT_NOON, "b", 0),
        (later, "a", 1),
    ]


def test_windows_of_other_lengths_are_cut_on_their_own_grid(source):
    quarter = Window(NOON, timedelta(minutes=15))
    source.arrive([request_event("a", 200, event_time=NOON + timedelta(minutes=minute)) for minute in (0, 6, 14)])
    assert [found.exposure for found in source.signals.readings(T1, quarter, quarter)] == [3]


def test_a_window_with_failures_whose_code_is_not_known_can_not_be_measured(source):
    next_window = AT_NOON.next
    source.arrive(
        [
            request_event("a", 400, None, error_code_is_known=False),
            request_event("a", 400, None, error_code_is_known=False),
            request_event("a", 200, error_code_is_known=False, event_time=next_window.start),
            request_event("a", 429, error_code_is_known=False, event_time=next_window.start),
            request_event("a", 400, error_code_is_known=False, event_time=next_window.start, path="/elsewhere"),
        ]
    )
    found = source.signals.unmeasurable(T1, AT_NOON, next_window)
    assert list(found) == [NOON]
    assert "2 answer(s)" in found[NOON]
    assert source.signals.unmeasurable(T2, AT_NOON, next_window) == {}


WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([], id="no error had a code, ever"),
        pytest.param([{"code": FUNDS, "path": "/elsewhere"}], id="one of another path had"),
        pytest.param([{"code": FUNDS, "event_time": AT_NOON.end - WEEK - SECOND}], id="one had, too long ago"),
        pytest.param([{"code": FUNDS, "event_time": AT_NOON.end}], id="one had, later"),
        pytest.param([{"code": "OK", "status": 200}], id="an answer that is no error had"),
    ],
)
def test_failures_without_a_code_are_no_data_while_no_error_has_one_for_the_log_may_lack_it(source, seen):
    source.arrive([request_event("a", 400), request_event("a", 400), request_event("a", 200)])
    source.arrive([request_event("a", **{"status": 400, **each}) for each in seen])
    found = source.signals.unmeasurable(T1, AT_NOON, AT_NOON)
    assert found[NOON].startswith("2 answer(s) 400 without an error code, and no error of such requests had one in 7 days")
    assert NOON in source.signals.unmeasurable(T1, Window(NOON - WEEK - FIVE, FIVE), AT_NOON.next)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param({"code": FUNDS}, id="one in the window had"),
        pytest.param({"code": "AMOUNT_TOO_SMALL"}, id="another code than the trigger's"),
        pytest.param({"code": "RATE_LIMITED", "status": 429}, id="another status"),
        pytest.param({"code": FUNDS, "event_time": AT_NOON.end - WEEK}, id="one a week ago had"),
        pytest.param({"code": FUNDS, "tenant": "b"}, id="another tenant's"),
    ],
)
def test_failures_without_a_code_are_others_where_errors_have_codes(source, seen):
    source.arrive([request_event("a", 400), request_event(**{"tenant": "a", "status": 400, **seen})])
    assert source.signals.unmeasurable(T1, AT_NOON, AT_NOON) == {}
    assert NOON not in source.signals.unmeasurable(T1, Window(NOON - WEEK - FIVE, FIVE), AT_NOON.next)


@pytest.mark.parametrize("on_postgres", [False, pytest.param(True, marks=pytest.mark.postgres)], ids=["memory", "postgres"])
def test_a_policy_may_say_that_no_error_may_have_a_code(policy, request, on_postgres):
    shape = policy.trigger(T1).source.model_copy(update={"error_codes_may_be_absent": True})
    described = policy.trigger(T1).model_copy(update={"source": shape})
    changed = policy.model_copy(update={"triggers": {**policy.triggers, T1: described}})
    tolerant = postgres_source(request.getfixturevalue("database_uri"), changed) if on_postgres else memory_source(changed)
    tolerant.arrive([request_event("a", 400)])
    assert tolerant.signals.unmeasurable(T1, AT_NOON, AT_NOON) == {}


@pytest.mark.parametrize(
    ("failures", "ago", "is_data"),
    [(4, WEEK, True), (5, timedelta(hours=1), True), (5, timedelta(hours=1, seconds=1), False)],
    ids=["few", "several, and a code an hour ago", "several, and none for longer"],
)
def test_several_failures_without_a_code_are_no_data_after_an_hour_as_when_a_deploy_loses_the_header(
    source, failures, ago, is_data
):
    source.arrive([request_event("a", 400) for _ in range(failures)])
    source.arrive([request_event("a", 400, FUNDS, event_time=AT_NOON.end - ago)])
    for first in (AT_NOON, Window(NOON - WEEK - FIVE, FIVE)):
        found = source.signals.unmeasurable(T1, first, AT_NOON)
        assert (NOON not in found) is is_data
    assert is_data or "had one in an hour" in found[NOON]


def test_answers_without_a_code_that_are_no_failures_of_the_trigger_are_data(source):
    source.arrive([request_event("a", 200), request_event("a", 429), request_event("a", 404)])
    assert source.signals.unmeasurable(T1, AT_NOON, AT_NOON) == {}


@pytest.mark.parametrize(
    ("lines", "requests", "is_read"), [(1, 99, True), (1, 98, False), (1, 0, False)], ids=["at", "above", "all"]
)
def test_a_window_has_no_data_when_more_than_a_hundredth_of_its_lines_can_not_be_read(source, lines, requests, is_read):
    source.arrive([request_event("a", 200) for _ in range(requests)])
    source.fail_to_read([unreadable(number) for number in range(lines)])
    found = source.signals.unmeasurable(T1, AT_NOON, AT_NOON)
    assert found == (
        {} if is_read else {NOON: f"{lines} of {lines + requests} lines of its requests can't be read (for example: is not JSON)"}
    )


def test_unreadable_lines_count_for_their_own_requests_and_window_and_once_each(source):
    source.arrive([webhook_event("a", 200), *(request_event("a", 200) for _ in range(150))])
    source.fail_to_read([unreadable(1, "/api/v1/payments/webhook/"), unreadable(2), unreadable(3, near=NOON + FIVE)])
    source.fail_to_read([unreadable(2)])
    assert source.signals.unmeasurable(T1, AT_NOON, AT_NOON) == {}
    assert list(source.signals.unmeasurable(T1, AT_NOON, AT_NOON.next)) == [NOON + FIVE]
    assert source.signals.unmeasurable(T2, AT_NOON, AT_NOON.next)[NOON].startswith("1 of 2 lines")


def test_a_source_that_never_delivered_is_complete_for_no_moment(source):
    assert source.signals.complete_through(T1) is None


def test_the_source_is_complete_as_far_as_was_stated(source):
    source.complete(NOON)
    assert (source.signals.complete_through(T1), source.signals.complete_through(T2)) == (NOON, NOON)


def refusal(cents: int | None, **changes):
    return request_event("a", 400, FUNDS, amount_cents=cents, **changes)


@pytest.mark.parametrize(
    ("events", "money"),
    [
        pytest.param([refusal(1_000), refusal(240)], MoneyAtRisk(1_240), id="every amount known"),
        pytest.param(
            [refusal(1_000), refusal(None)], MoneyAtRisk(1_000, 1), id="one without an amount: what is known, and a note"
        ),
        pytest.param([refusal(None), refusal(None)], MoneyAtRisk(None, 2), id="no amount known: never 0"),
        pytest.param([refusal(0)], MoneyAtRisk(0), id="nothing asked for, which is known"),
        pytest.param([request_event("a", 200, amount_cents=9_900)], MoneyAtRisk(0), id="what was paid out is not at risk"),
        pytest.param(
            [refusal(700), request_event("a", 403, "KYC_REQUIRED", amount_cents=9_900)],
            MoneyAtRisk(700),
            id="nor what never came to it",
        ),
        pytest.param(
            [refusal(700), refusal(9_900, event_time=NOON + FIVE)], MoneyAtRisk(700), id="nor what the next window refused"
        ),
        pytest.param([refusal(10**15 - 1)] * 9_500, MoneyAtRisk(MOST_CENTS), id="more than a database counts: sensing goes on"),
    ],
)
def test_money_at_risk_is_what_the_refused_requests_asked_for(source, events, money):
    source.arrive([replace(event, event_key=f"money-{number}") for number, event in enumerate(events)])
    assert [found.money for found in source.signals.readings(T1, AT_NOON, AT_NOON)] == [money]


def test_each_tenants_money_is_its_own(source):
    source.arrive([refusal(100), request_event("b", 400, FUNDS, amount_cents=7), request_event("c", 200, amount_cents=5)])
    found = source.signals.readings(T1, AT_NOON, AT_NOON)
    assert [(each.tenant_id, each.money) for each in found] == [
        ("a", MoneyAtRisk(100)),
        ("b", MoneyAtRisk(7)),
        ("c", MoneyAtRisk(0)),
    ]
