"""Requests of the sandbox's tenants; what becomes of each is decided by the state of the platform at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import psycopg
from numpy.typing import NDArray

from ledger_guard.domain.windows import require_aware
from ledger_sandbox.access_events import AccessEvent, complete_through, deliver
from ledger_sandbox.world import Balances, Tenant, World, read_world

WITHDRAW_PATH = "/api/v1/player/wallet/withdraw"
WEBHOOK_PATH = "/api/v1/payments/webhook/"
NO_FUNDS = "INSUFFICIENT_FUNDS"
BAD_SIGNATURE = "WEBHOOK_SIGNATURE_INVALID"

_WINDOW = timedelta(minutes=5)
_LONGEST_STRETCH = timedelta(days=1)
#: the busiest moment of a day has this much more traffic than the mean, the quietest so much less
_SWING = 0.25
#: webhook calls that somebody forges, as a share of all: the ordinary T2 failures while signatures are enforced
_FORGED = 0.003
#: where webhook calls come from, in ranges that are kept for examples: each provider's addresses, and a forger's
_PROVIDER_ADDRESSES = {"mockpsp": ("198.51.100.10", "198.51.100.11"), "generic": ("198.51.100.40",)}
_FORGERS_ADDRESS = "203.0.113.66"

#: withdraws that end before the funds check: share of all, status, error code (None: the body is plain text)
_EARLY_REFUSALS = (
    (0.010, 429, "RATE_LIMIT_EXCEEDED"),
    (0.008, 403, "KYC_REQUIRED"),
    (0.006, 400, "IDEMPOTENCY_KEY_REQUIRED"),
    (0.004, 400, None),
)
#: requests elsewhere that look like T1: share of withdraws, path, status, error code
_LIKE_T1 = (
    (0.006, "/api/v1/players/debit", 409, NO_FUNDS),
    (0.010, "/api/v1/games/callback/debit", 402, NO_FUNDS),
)
#: calls elsewhere that look like T2, and do not obey the flag: share of webhooks, path, status, error code
_LIKE_T2 = (
    (0.010, "/api/v1/payments/adyen/webhook", 401, BAD_SIGNATURE),
    (0.005, "/api/v1/finance/withdrawals/payout/webhook", 401, "WEBHOOK_TIMESTAMP_INVALID"),
)

Times = NDArray[np.datetime64]


def play(uri: str, start: datetime, end: datetime, rng: np.random.Generator, *, guard_uri: str | None = None) -> int:
    """Write the requests of `[start, end)` as access events and promise completeness to `end`; returns how many.

    A withdraw is refused with INSUFFICIENT_FUNDS when the judge of its tenant (the wallet under ledger_enforce_balance,
    else the player row) lacks the funds; a webhook with 401 when webhook_signature_enforced is on and the secrets of
    platform and provider differ (whatever the provider: the reference platform verifies mockpsp's alone). The state is
    read once, at the call. Requests leave balances as they are: moving money is what `live` does. `guard_uri` is needed
    only where guard state has a database of its own.

    Raises ValueError when the period is empty or when completeness was promised beyond `start` already: play what comes
    after that.
    """
    start, end = require_aware(start, "start"), require_aware(end, "end")
    if start >= end:
        raise ValueError(f"play: {start.isoformat()} is not before {end.isoformat()}; allowed: start < end")
    with psycopg.connect(uri) as platform:
        world = read_world(platform)
    with psycopg.connect(guard_uri or uri) as guard:
        delivered = complete_through(guard)
        if delivered is not None and start < delivered:
            raise ValueError(f"play: start {start.isoformat()} was delivered already; allowed: {delivered.isoformat()} or later")
        return deliver(guard, requests(world, start, end, rng), end)


def requests(world: World, start: datetime, end: datetime, rng: np.random.Generator) -> Iterator[AccessEvent]:
    """The requests of all tenants in `[start, end)`, day by day and tenant by tenant."""
    while start < end:
        stretch_end = min(start + _LONGEST_STRETCH, end)
        for number, tenant in enumerate(world.tenants):
            balances = world.balances[tenant.tenant_id]
            key = f"sandbox-{int(start.timestamp() * 1000):x}-{number}"
            withdraw_times = _times(tenant.withdraws_per_window, tenant.peak_hour, start, stretch_end, rng)
            webhook_times = _times(tenant.webhooks_per_window, tenant.peak_hour, start, stretch_end, rng)
            yield from _withdraws(tenant, balances, f"{key}-w", withdraw_times, rng)
            yield from _webhooks(tenant, f"{key}-h", webhook_times, rng)
            yield from _elsewhere(tenant, balances, f"{key}-e", start, stretch_end, rng)
        start = stretch_end


def _times(per_window: float, peak_hour: float, start: datetime, end: datetime, rng: np.random.Generator) -> Times:
    """Moments of a Poisson process whose rate follows the hour of the day."""
    first, last = np.datetime64(start.replace(tzinfo=None), "us"), np.datetime64(end.replace(tzinfo=None), "us")
    cells = np.arange(first, last, np.timedelta64(_WINDOW), dtype="datetime64[us]")
    lengths = np.minimum(last - cells, np.timedelta64(_WINDOW))
    hours = (cells - cells.astype("datetime64[D]")) / np.timedelta64(1, "h")
    rhythm = 1 + _SWING * np.cos((hours - peak_hour) * 2 * np.pi / 24)
    counts = rng.poisson(per_window * rhythm * (lengths / np.timedelta64(_WINDOW)))
    offsets = rng.random(int(counts.sum())) * np.repeat(lengths.astype(np.int64), counts)
    moments: Times = np.repeat(cells, counts) + offsets.astype("timedelta64[us]")
    return moments


def _texts(times: Times) -> list[str]:
    return [f"{text}+00" for text in np.datetime_as_string(times, unit="us").tolist()]


def _withdraws(tenant: Tenant, balances: Balances, key: str, times: Times, rng: np.random.Generator) -> Iterator[AccessEvent]:
    count = len(times)
    players = rng.integers(len(balances.player_ids), size=count)
    # People ask for part of what the platform shows them, which is the player row; some ask for more than they have.
    asks_too_much = rng.random(count) < tenant.overdraw_share
    share = np.where(asks_too_much, rng.uniform(1.05, 2.0, count), rng.uniform(0.02, 0.6, count))
    shown = np.maximum(balances.player_available[players], 1.0)
    judge = (balances.wallet_available if tenant.wallet_is_judge else balances.player_available)[players]
    # Money is compared in cents, so that float noise refuses nobody.
    asked = np.maximum(np.rint(shown * share * 100), 1)
    lacks_funds = asked > np.rint(judge * 100)
    ends_early = _early_refusals(rng.random(count))
    rows = zip(_texts(times), players.tolist(), lacks_funds.tolist(), ends_early, asked.tolist(), strict=True)
    for number, (time, player, refused, early, cents) in enumerate(rows):
        status, code = early or ((400, NO_FUNDS) if refused else (200, None))
        who = (tenant.tenant_id, balances.player_ids[player])
        yield AccessEvent(f"{key}{number}", time, *who, "POST", WITHDRAW_PATH, None, status, code, int(cents))


def _early_refusals(draws: NDArray[np.float64]) -> list[tuple[int, str | None] | None]:
    bounds = np.cumsum([share for share, _, _ in _EARLY_REFUSALS])
    outcomes = [*((status, code) for _, status, code in _EARLY_REFUSALS), None]
    return [outcomes[place] for place in np.searchsorted(bounds, draws, side="right").tolist()]


def _webhooks(tenant: Tenant, key: str, times: Times, rng: np.random.Generator) -> Iterator[AccessEvent]:
    is_forged = rng.random(len(times)) < _FORGED
    refused = tenant.signature_is_enforced & (is_forged | tenant.signature_never_verifies)
    path = WEBHOOK_PATH + tenant.provider
    genuine = _PROVIDER_ADDRESSES[tenant.provider]
    calls = zip(_texts(times), refused.tolist(), is_forged.tolist(), strict=True)
    for number, (time, is_refused, by_forger) in enumerate(calls):
        status, code = (401, BAD_SIGNATURE) if is_refused else (200, None)
        event_key = f"{key}{number}"
        who = (tenant.tenant_id, f"wh-{event_key}")
        address = _FORGERS_ADDRESS if by_forger else genuine[number % len(genuine)]
        yield AccessEvent(event_key, time, *who, "POST", path, tenant.provider, status, code, source_address=address)


def _elsewhere(
    tenant: Tenant, balances: Balances, key: str, start: datetime, end: datetime, rng: np.random.Generator
) -> Iterator[AccessEvent]:
    """Look-alikes on other paths, which must not count for T1 or T2."""
    players = len(balances.player_ids)
    for kind, (share, path, status, code) in enumerate(_LIKE_T1):
        times = _times(tenant.withdraws_per_window * share, tenant.peak_hour, start, end, rng)
        for number, time in enumerate(_texts(times)):
            player_id = balances.player_ids[int(rng.integers(players))]
            yield AccessEvent(f"{key}{kind}f{number}", time, tenant.tenant_id, player_id, "POST", path, None, status, code)
    for kind, (share, path, status, code) in enumerate(_LIKE_T2):
        times = _times(tenant.webhooks_per_window * share, tenant.peak_hour, start, end, rng)
        for number, time in enumerate(_texts(times)):
            event_key = f"{key}{kind}s{number}"
            yield AccessEvent(event_key, time, tenant.tenant_id, f"wh-{event_key}", "POST", path, None, status, code)
