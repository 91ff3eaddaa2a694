"""Played traffic is decided by the state of the platform, and carries the look-alikes that must not count."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from tests.sandbox.conftest import AS_OF, rows, value
from tests.sandbox.traffic_rates import T1, T2, measured, played

from ledger_sandbox import flags
from ledger_sandbox.traffic import WEBHOOK_PATH, play

pytestmark = pytest.mark.postgres
HOUR = timedelta(hours=1)


def empty_wallets(uri: str, tenant_id: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("update walletbalance set balance_real_available = 0 where tenant_id = %s", [tenant_id])


def test_at_rest_about_one_withdraw_in_sixty_lacks_funds(platform_uri):
    assert 0.008 < played(platform_uri, T1, windows=48).without() < 0.025


def test_at_rest_webhooks_are_hardly_ever_refused(platform_uri):
    assert played(platform_uri, T2, windows=48).without() < 0.01


def test_an_empty_wallet_refuses_where_the_flag_is_on(platform_uri):
    empty_wallets(platform_uri, "default_casino")
    assert played(platform_uri, T1).of("default_casino") > 0.99


def test_an_empty_wallet_refuses_nothing_where_the_flag_is_off(platform_uri):
    empty_wallets(platform_uri, "default_casino")
    flags.switch(platform_uri, "ledger_enforce_balance", is_enabled=False)
    assert played(platform_uri, T1).of("default_casino") < 0.04


@pytest.mark.parametrize(("own", "everywhere", "refuses"), [(True, False, True), (False, True, False)])
def test_a_tenants_own_flag_value_wins_over_the_global_one(platform_uri, own, everywhere, refuses):
    empty_wallets(platform_uri, "default_casino")
    flags.switch(platform_uri, "ledger_enforce_balance", is_enabled=everywhere)
    flags.switch(platform_uri, "ledger_enforce_balance", is_enabled=own, tenant_id="default_casino")
    assert (played(platform_uri, T1).of("default_casino") > 0.99) is refuses


def test_requests_lie_inside_the_played_period_and_end_at_the_watermark(platform_uri):
    play(platform_uri, AS_OF, AS_OF + HOUR, np.random.default_rng(1))
    first, last = rows(platform_uri, "select min(event_time), max(event_time) from ledger_guard.access_event")[0]
    assert first >= AS_OF
    assert last < AS_OF + HOUR
    assert (
        value(platform_uri, "select complete_through from ledger_guard.source_watermark where source = 'access_event'")
        == AS_OF + HOUR
    )


def test_the_same_seed_plays_the_same_requests(postgres_server, seeded_template):
    played_rows = []
    for name in ("same_a", "same_b"):
        uri = postgres_server.create_database(name, template=seeded_template)
        play(uri, AS_OF, AS_OF + HOUR, np.random.default_rng(5))
        played_rows.append(rows(uri, "select * from ledger_guard.access_event order by event_key"))
    assert played_rows[0] == played_rows[1]


def test_a_delivered_period_is_not_played_again(platform_uri):
    play(platform_uri, AS_OF, AS_OF + HOUR, np.random.default_rng(1))
    before = value(platform_uri, "select count(*) from ledger_guard.access_event")
    with pytest.raises(ValueError, match="was delivered already"):
        play(platform_uri, AS_OF + HOUR - timedelta(seconds=1), AS_OF + 2 * HOUR, np.random.default_rng(2))
    assert value(platform_uri, "select count(*) from ledger_guard.access_event") == before
    assert play(platform_uri, AS_OF + HOUR, AS_OF + 2 * HOUR, np.random.default_rng(2)) > 0


def test_an_empty_period_is_refused(platform_uri):
    with pytest.raises(ValueError, match="allowed: start < end"):
        play(platform_uri, AS_OF, AS_OF, np.random.default_rng(1))


def test_playing_leaves_every_balance_as_it_was(platform_uri):
    checksum = "select md5(string_agg(w::text, '' order by w::text)) from walletbalance w"
    before = value(platform_uri, checksum)
    play(platform_uri, AS_OF, AS_OF + HOUR, np.random.default_rng(1))
    assert value(platform_uri, checksum) == before


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("/api/v1/players/debit", 409, "INSUFFICIENT_FUNDS", id="manual debit"),
        pytest.param("/api/v1/games/callback/debit", 402, "INSUFFICIENT_FUNDS", id="game callback"),
        pytest.param("/api/v1/player/wallet/withdraw", 400, "IDEMPOTENCY_KEY_REQUIRED", id="withdraw without a key"),
        pytest.param("/api/v1/player/wallet/withdraw", 400, None, id="withdraw refused in plain text"),
        pytest.param("/api/v1/player/wallet/withdraw", 429, "RATE_LIMIT_EXCEEDED", id="rate limit"),
        pytest.param("/api/v1/player/wallet/withdraw", 403, "KYC_REQUIRED", id="KYC"),
        pytest.param("/api/v1/payments/adyen/webhook", 401, "WEBHOOK_SIGNATURE_INVALID", id="webhook that ignores the flag"),
        pytest.param("/api/v1/finance/withdrawals/payout/webhook", 401, "WEBHOOK_TIMESTAMP_INVALID", id="payout webhook"),
    ],
)
def test_look_alikes_are_in_the_traffic(day_uri, path, status, code):
    query = """
        select count(*) from ledger_guard.access_event
        where path = %(path)s and status = %(status)s and error_code is not distinct from %(code)s
    """
    assert value(day_uri, query, path=path, status=status, code=code) > 0


def test_webhook_calls_have_an_address_forged_ones_anothers_and_players_requests_none(day_uri):
    by_address = """
        select host(source_address), count(*) filter (where status = 401), count(*) filter (where status = 200)
        from ledger_guard.access_event where starts_with(path, %(path)s) = %(is_webhook)s group by source_address
    """
    found = {address: counts for address, *counts in rows(day_uri, by_address, path=WEBHOOK_PATH, is_webhook=True)}
    assert set(found) == {"198.51.100.10", "198.51.100.11", "198.51.100.40", "203.0.113.66"}
    refused, accepted = found.pop("203.0.113.66")
    assert refused > 0
    assert accepted == 0
    assert all(refused == 0 and accepted > 0 for refused, accepted in found.values())
    assert [address for address, *_ in rows(day_uri, by_address, path=WEBHOOK_PATH, is_webhook=False)] == [None]


def test_a_week_of_history_stays_within_four_hundred_thousand_events(day_uri):
    assert 7 * value(day_uri, "select count(*) from ledger_guard.access_event") < 410_000


def test_history_has_a_daily_rhythm(day_uri):
    by_hour = [
        count
        for (count,) in rows(day_uri, "select count(*) from ledger_guard.access_event group by date_trunc('hour', event_time)")
    ]
    assert len(by_hour) == 24
    assert max(by_hour) > 1.4 * min(by_hour)


def test_traffic_is_heavy_tailed_over_tenants(day_uri):
    attempts = sorted(
        (tried for _, tried in measured(day_uri, T1, AS_OF - timedelta(days=1), AS_OF).counted.values()), reverse=True
    )
    assert sum(attempts[:3]) > 0.6 * sum(attempts)


def test_every_request_belongs_to_a_tenant_and_a_player_or_webhook(day_uri):
    strangers = """
        select count(*) from ledger_guard.access_event event
        left join player on player.id = event.subject_id and player.tenant_id = event.tenant_id
        where (event.path like '%%/payments/%%' or event.path like '%%/finance/%%') = (player.id is not null)
    """
    assert value(day_uri, strangers) == 0
