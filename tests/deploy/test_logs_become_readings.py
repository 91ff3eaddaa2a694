"""What nginx and the middleware wrote is taken in by `ingest access-log`, and gives the readings that are right."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from logged_requests import FUNDS, LIES, SIGNATURE
from nginx_server import SHIPPED, running_nginx, why_there_is_none
from platform_stand_in import WEBHOOK, WITHDRAW, make_platform, serving, token
from tests.folders import run_folder
from tests.triggers import T1, T2

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.signals import MoneyAtRisk, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.wiring import signal_sources
from ledger_sandbox.airflow_api import wait_for

pytestmark = pytest.mark.postgres

#: no midnight falls into the test
TEN_YEARS = timedelta(days=3650)


@contextmanager
def nginx_before_the_platform(folder: Path) -> Iterator[tuple[str, Path]]:
    if why := why_there_is_none():
        pytest.skip(why)
    with serving(make_platform()) as upstream, running_nginx(folder, upstream) as url:
        yield url, folder / "ledger_guard.log"


@contextmanager
def middleware_in_the_platform(folder: Path) -> Iterator[tuple[str, Path]]:
    described = importlib.util.spec_from_file_location("ledger_guard_asgi", SHIPPED / "asgi/ledger_guard_asgi.py")
    assert described
    assert described.loader
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    app = make_platform()
    app.add_middleware(module.LedgerGuardLog, path=str(folder / "ledger_guard.log"))
    with serving(app) as url:
        yield url, folder / "ledger_guard.log"


@pytest.fixture(params=[nginx_before_the_platform, middleware_in_the_platform], ids=["nginx", "middleware"])
def logged(request) -> Iterator[tuple[httpx.Client, Path]]:
    folder = run_folder("logged")
    with request.param(folder) as (url, log), httpx.Client(base_url=url, headers=LIES) as client:
        yield client, log
    shutil.rmtree(folder, ignore_errors=True)


def traffic(client: httpx.Client) -> int:
    """Withdrawals of two tenants and webhooks of one; returns how many lines they lead to."""
    for tenant, paid, short in (("acme", 6, 4), ("north", 5, 0)):
        for number in range(paid + short):
            amount = 50 if number < paid else 120.5
            headers = {"Authorization": f"Bearer {token(tenant, f'p-{number % 3}')}", "Idempotency-Key": str(number)}
            client.post(WITHDRAW, json={"amount": amount}, headers=headers)
        # look-alikes: another error of the same status, an amount that can't be, a forged token, somebody else's answer
        client.post(WITHDRAW, json={"amount": 500}, headers={"Authorization": f"Bearer {token(tenant)}"})
        client.post(WITHDRAW, json={"amount": 0}, headers={"Authorization": f"Bearer {token(tenant)}", "Idempotency-Key": "0"})
        client.post(WITHDRAW, json={"amount": 500}, headers={"Authorization": f"Bearer {token(tenant, key=b'forged')}"})
        client.post("/api/v1/elsewhere", json={"amount": 500}, headers={"Authorization": f"Bearer {token(tenant)}"})
    for number in range(9):
        signature = {"X-MockPSP-Signature": "good" if number < 6 else "bad"}
        client.post(WEBHOOK, json={"tenant_id": "acme", "provider_event_id": f"e-{number}", "amount": 1}, headers=signature)
    return 10 + 5 + 2 * 2 + 9


def test_readings_of_both_triggers_are_those_of_the_traffic(logged, database_uri, monkeypatch, capsys):
    client, log = logged
    started = datetime.now(timezone.utc)
    lines = traffic(client)
    wait_for(lambda: log.exists() and log.read_text().count("\n") >= lines, "the log", 10, lambda _: None, every_seconds=0.02)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(policy_path()))
    assert main(["ingest", "access-log", str(log), "--mapping", "nginx_json"]) == 0
    assert f"{lines} lines, {lines} accepted, 0 already known, 0 rejected" in capsys.readouterr().out

    settings = ConnectionSettings.parse(database_uri, "ledger_db")
    source = signal_sources(settings, settings, load_policy(), SettableClock(started))
    window = Window.containing(started, TEN_YEARS)

    def counted(trigger: Trigger) -> dict[str, tuple[int, int, int, MoneyAtRisk | None]]:
        found = source.readings(trigger, window, window)
        return {each.tenant_id: (each.events, each.exposure, each.subjects, each.money) for each in found}

    assert counted(T1) == {"acme": (4, 10, 3, MoneyAtRisk(48_200)), "north": (0, 5, 0, MoneyAtRisk(0))}
    assert counted(T2) == {"acme": (3, 9, 3, MoneyAtRisk(300))}
    assert source.unmeasurable(T1, window, window) == {}
    assert source.unmeasurable(T2, window, window) == {}
    assert (FUNDS in log.read_text(), SIGNATURE in log.read_text()) == (True, True)
