"""The stand-in takes the platform's own requests, answers them as it does, and obeys flags as they were at its start."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import psycopg
import pytest
from tests.sandbox.conftest import rows, value

from ledger_sandbox.platform_books import PlatformBooks
from ledger_sandbox.platform_requests import mockpsp_signature, player_token
from ledger_sandbox.platform_service import BALANCE, SIGNATURES, PlatformService

SECRET = "a secret of the tests"
PLAYER = ("t", "p")
EVENT = {"provider_event_id": "e1", "event_type": "deposit_captured", "amount": 25.0, "currency": "USD"}
EVENT |= {"tx_id": "x1", "tenant_id": "t", "player_id": "p"}
WITHDRAWAL = {"amount": 10.0, "method": "bank", "address": "somewhere"}
BALANCES = """
    select p.balance_real_available, p.balance_real_held, w.balance_real_available, w.balance_real_pending
    from player p left join walletbalance w on w.player_id = p.id and w.currency = 'USD' where p.id = 'p'
"""


@pytest.fixture
def values() -> dict[str, bool]:
    """What the flags are set to, by flag."""
    return {}


@pytest.fixture
def service(values):
    """An instance without books, its flags off."""
    instance = PlatformService(lambda flag, _: values.get(flag, False), SECRET).start()
    yield instance
    instance.stop()


@pytest.fixture
def booking(service, database_uri) -> tuple[PlatformService, str]:
    """The same with books, over one player with 100.00 available, 20.00 held and no wallet."""
    with psycopg.connect(database_uri) as connection:
        connection.execute("insert into tenant (id, name) values ('t', 'T')")
        connection.execute("insert into player values ('p', 't', 'p', 'p@example.test', 120, 0, 100, 20)")
    service.books = PlatformBooks(database_uri)
    return service, database_uri


def webhook(service: PlatformService, body: Any = EVENT, signature: str | None = None, provider: str = "mockpsp"):
    headers = {} if signature is None else {"X-MockPSP-Signature": signature}
    url = f"{service.base_url}/api/v1/payments/webhook/{provider}"
    return httpx.post(url, json=body, headers=headers, trust_env=False)


def withdraw(service: PlatformService, key: str | None = "k1", token: str | None = None, **changes: Any):
    body = {name: each for name, each in (WITHDRAWAL | changes).items() if each is not None}
    headers = {"Authorization": f"Bearer {token or player_token(*PLAYER)}"} | ({"Idempotency-Key": key} if key else {})
    return httpx.post(f"{service.base_url}/api/v1/player/wallet/withdraw", json=body, headers=headers, trust_env=False)


def code(answer: httpx.Response) -> object:
    detail = answer.json().get("detail")
    return detail["error_code"] if isinstance(detail, dict) else detail


# --- flags ----------------------------------------------------------------------------------------------------------


def test_a_flag_that_changes_is_obeyed_from_the_next_restart_on(service, values):
    values[BALANCE] = True
    assert withdraw(service).status_code == 200
    service.restart()
    assert code(withdraw(service)) == "INSUFFICIENT_FUNDS"


def test_an_instance_that_follows_the_table_obeys_at_once(values):
    instance = PlatformService(lambda flag, _: values.get(flag, False), SECRET, follows_table=True).start()
    values[BALANCE] = True
    assert code(withdraw(instance)) == "INSUFFICIENT_FUNDS"
    instance.stop()


# --- form -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param({**EVENT, "provider_event_id": None}, 400, "INVALID_WEBHOOK", id="no event id"),
        pytest.param({**EVENT, "tenant_id": None}, 400, "MISSING_IDS", id="money without a tenant"),
        pytest.param({**EVENT, "tx_id": ""}, 400, "MISSING_IDS", id="money without a payment"),
        pytest.param({"event_id": "e", "type": "ping"}, 200, None, id="no money: event id and type under their other names"),
    ],
)
def test_a_webhook_says_itself_whose_money_it_is(service, body, status, says):
    answer = webhook(service, body)
    assert (answer.status_code, code(answer)) == (status, says)


def test_a_body_that_is_no_json_object_is_refused(service):
    assert webhook(service, [1]).status_code == 422


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        pytest.param({"key": None}, 400, "IDEMPOTENCY_KEY_REQUIRED", id="no key"),
        pytest.param({"amount": 0}, 400, "Amount must be positive", id="nothing: as plain text"),
        pytest.param({"amount": -1}, 400, "Amount must be positive", id="less than nothing"),
        pytest.param({"token": "x"}, 401, "Not authenticated", id="no token"),
        pytest.param({"token": player_token("t", "p")[:-1] + "?"}, 401, "Not authenticated", id="another's signature"),
    ],
)
def test_a_withdrawal_is_refused_for_its_form(service, changes, status, says):
    answer = withdraw(service, **changes)
    assert (answer.status_code, code(answer)) == (status, says)


@pytest.mark.parametrize("field", ["amount", "method", "address"])
def test_a_withdrawal_without_a_field_is_named(service, field):
    answer = withdraw(service, **{field: None})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


# --- signatures -------------------------------------------------------------------------------------------------------


def test_a_signature_is_of_the_secret_and_the_sorted_json_with_numbers_as_they_are():
    body = {"b": 1.0, "a": "ü"}
    assert mockpsp_signature("s", body) == hashlib.sha256(b's{"a":"\\u00fc","b":1.0}').hexdigest()


@pytest.mark.parametrize(
    ("signature", "provider", "is_broken", "status"),
    [
        pytest.param(mockpsp_signature(SECRET, EVENT), "mockpsp", False, 200, id="correctly signed"),
        pytest.param(mockpsp_signature("x", EVENT), "mockpsp", False, 401, id="wrongly signed"),
        pytest.param(None, "mockpsp", False, 401, id="unsigned"),
        pytest.param(mockpsp_signature(SECRET, EVENT), "mockpsp", True, 401, id="correctly signed, and the check is broken"),
        pytest.param(None, "generic", True, 200, id="of another provider: never looked at"),
    ],
)
def test_with_signatures_enforced_only_mockpsps_are_checked(service, values, signature, provider, is_broken, status):
    values[SIGNATURES] = True
    service.restart()
    service.check_is_broken = is_broken
    answer = webhook(service, EVENT, signature, provider)
    assert answer.status_code == status
    assert (code(answer) == "WEBHOOK_SIGNATURE_INVALID") is (status == 401)


def test_an_unsigned_webhook_is_taken_where_signatures_are_not_enforced(service):
    assert webhook(service).json() == {"status": "ok", "idempotent": False, "tx_id": "x1"}


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_webhook_gives_birth_to_a_wallet_from_zero_and_once(booking):
    service, uri = booking
    assert [webhook(service).json()["idempotent"] for _ in range(2)] == [False, True]
    assert rows(uri, BALANCES) == [(100, 20, 25, 0)]
    assert rows(uri, "select type, status, direction, tx_id, provider_event_id from ledgertransaction") == [
        ("deposit", "deposit_captured", "credit", "x1", "e1")
    ]
    assert rows(uri, "select type, provider, balance_after from transaction") == [("deposit", "mockpsp", 0)]


@pytest.mark.postgres
def test_with_shadow_write_off_a_webhook_is_booked_and_answered_and_reaches_no_one(booking):
    service, uri = booking
    service.shadow_write = False
    assert webhook(service).status_code == 200
    assert rows(uri, BALANCES) == [(100, 20, None, None)]
    assert value(uri, "select count(*) from ledgertransaction") == 1


@pytest.mark.postgres
def test_a_payment_in_euro_moves_a_wallet_of_its_own(booking):
    service, uri = booking
    assert webhook(service, EVENT | {"currency": "EUR"}).status_code == 200
    assert rows(uri, "select currency, balance_real_available from walletbalance") == [("EUR", 25)]
    assert rows(uri, "select currency from ledgertransaction union all select currency from transaction") == [("EUR",)] * 2


@pytest.mark.postgres
def test_a_webhook_for_no_one_fails_at_each_retry_and_leaves_an_orphan(booking):
    service, uri = booking
    assert [webhook(service, EVENT | {"player_id": "nobody"}).status_code for _ in range(2)] == [500, 500]
    assert rows(uri, "select player_id, balance_real_available from walletbalance") == [("nobody", 25)]
    assert value(uri, "select count(*) from ledgertransaction where player_id = 'nobody'") == 1


@pytest.mark.postgres
def test_an_event_that_is_about_no_money_needs_its_player_and_moves_nothing(booking):
    service, uri = booking
    event = {"provider_event_id": "c", "event_type": "canary", "amount": 1.0}
    assert webhook(service, event | {"tenant_id": "t", "player_id": "nobody"}).status_code == 500
    assert webhook(service, event | {"tenant_id": "t", "player_id": "p"}).status_code == 200
    assert rows(uri, BALANCES) == [(100, 20, None, None)]
    assert value(uri, "select count(*) from ledgertransaction") == 0


@pytest.mark.postgres
def test_a_withdrawal_paid_by_webhook_lowers_the_wallets_pending_alone(booking):
    service, uri = booking
    assert withdraw(service).status_code == 200
    tx_id = value(uri, "select id from transaction")
    assert webhook(service, EVENT | {"event_type": "withdraw_paid", "amount": 10.0, "tx_id": tx_id}).status_code == 200
    assert rows(uri, BALANCES) == [(90, 30, 90, 20)]
    assert value(uri, "select state from transaction where type = 'withdrawal'") == "requested"


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("wallet", "enforced", "amount", "status"),
    [
        pytest.param(None, False, 100, 200, id="off: the player has it, the wallet is not asked"),
        pytest.param(None, False, 100.01, 400, id="off: a cent more than the player has"),
        pytest.param(None, True, 0.01, 400, id="on: no wallet is an empty one"),
        pytest.param(25, True, 25, 200, id="on: all that the wallet has"),
        pytest.param(25, True, 25.01, 400, id="on: a cent more"),
    ],
)
def test_who_judges_a_withdrawal_hangs_on_the_flag(booking, values, wallet, enforced, amount, status):
    service, uri = booking
    if wallet is not None:
        webhook(service, EVENT | {"amount": wallet})
    values[BALANCE] = enforced
    service.restart()
    answer = withdraw(service, amount=amount)
    assert answer.status_code == status
    assert code(answer) == ("INSUFFICIENT_FUNDS" if status == 400 else None)
    assert value(uri, "select count(*) from ledgertransaction where status = 'withdraw_requested'") == (status == 200)


@pytest.mark.postgres
def test_a_withdrawal_asked_for_twice_with_one_key_is_taken_once(booking):
    service, uri = booking
    assert [withdraw(service, key).status_code for key in ("k1", "k1", "k2")] == [200, 200, 200]
    assert rows(uri, BALANCES) == [(80, 40, 80, 40)]


@pytest.mark.postgres
def test_a_withdrawal_of_an_unknown_player_fails(booking):
    assert withdraw(booking[0], token=player_token("t", "nobody")).status_code == 500


def test_there_is_nothing_elsewhere(service):
    assert httpx.post(f"{service.base_url}/elsewhere", content=b"{}", trust_env=False).status_code == 404
