"""The health check, window by window with its state kept in guard state, and `backtest` over a file: identical verdicts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace

import pytest
from recorded_traffic import DAY, LATE_BATCH, OUTAGE, START, Recorded, recorded, window
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import GuardState
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

#: by window start and tenant: severity, scope and sentence
Verdicts = dict[tuple[str, str], tuple[str, str, str]]


class HealthCheck:
    """A health check that starts anew for every window: nothing is kept but guard state."""

    def __init__(self, traffic: Recorded, open_state: Callable[[], GuardState]) -> None:
        self._traffic = traffic
        self._open_state = open_state
        self._world = memory_world(load_policy(), START)
        self.judged_again = 0

    def run(self, first: int, last: int) -> None:
        """Deliver what is known at the end of each window, then sense and classify."""
        for number in range(first, last):
            self._deliver(number)
            if number not in OUTAGE:
                self._check()

    def catch_up(self, last: int, first: int = 0) -> None:
        """The same, but the health check runs once at the end of all these windows."""
        for number in range(first, last):
            self._deliver(number)
        self._check()

    def verdicts(self) -> Verdicts:
        """Everything that is stored."""
        with self._deps().state.transaction() as state:
            stored = state.verdicts.between(T1, START, window(10_000).start)
        return {
            (iso(each.window.start), each.tenant_id): (each.severity.value, each.scope.value, each.sentence) for each in stored
        }

    def _deliver(self, number: int) -> None:
        self._world.signals.deliver(self._traffic.deliveries[number])
        if number not in LATE_BATCH:
            self._world.signals.complete(T1, window(number).end)
        self._world.clock.advance(window(number).end - self._world.clock.now())

    def _check(self) -> None:
        sense(self._deps(), T1)
        self.judged_again += classify(self._deps(), T1).judged_again

    def _deps(self) -> Dependencies:
        return replace(self._world.deps, state=self._open_state())


@pytest.fixture
def backtest(tmp_path):
    """Verdicts that `backtest` writes for the final readings of these windows."""

    def call(traffic: Recorded, windows: range) -> Verdicts:
        source, target = tmp_path / "readings.csv", tmp_path / "verdicts.csv"
        traffic.write(source, windows)
        assert main(["backtest", "--trigger", "T1", "--input", str(source), "--output", str(target)]) == 0
        with target.open() as text:
            rows = list(csv.DictReader(text))
        return {(row["window_start"], row["tenant_id"]): (row["severity"], row["scope"], row["reason"]) for row in rows}

    return call


def differing(one: Verdicts, other: Verdicts) -> list[str]:
    """The first rows in which these differ."""
    keys = sorted({*one, *other})
    return [f"{key}: {one.get(key)} | {other.get(key)}" for key in keys if one.get(key) != other.get(key)][:5]


def test_every_row_is_the_same_window_by_window_from_an_empty_guard(backtest):
    windows = DAY + 220
    traffic = recorded(windows, seed=7)
    world = memory_world(load_policy(), START)
    check = HealthCheck(traffic, lambda: world.state)
    # from nothing, then without a check for most of a quiet day, then through all that happens to readings
    check.run(0, 110)
    check.catch_up(DAY - 40, first=110)
    check.run(DAY - 40, windows)
    found, expected = check.verdicts(), backtest(traffic, range(windows))
    assert differing(found, expected) == []
    # and there was something to agree on
    assert check.judged_again > 100
    assert {severity for severity, _, _ in found.values()} >= {"none", "severe", "insufficient", "no_data"}
    assert {scope for severity, scope, _ in found.values() if severity == "severe"} == {"isolated", "widespread"}


@pytest.mark.postgres
def test_every_row_is_the_same_on_guard_state_in_postgres_after_a_first_run_over_its_history(backtest, database_uri):
    windows = DAY + 30
    traffic = recorded(windows, seed=8)
    settings = ConnectionSettings.parse(database_uri, "ledger_guard_db")
    check = HealthCheck(traffic, lambda: PostgresGuardState(settings))
    check.catch_up(DAY - 3)
    check.run(DAY - 3, windows)
    found, expected = check.verdicts(), backtest(traffic, range(windows))
    kept = {key: said for key, said in expected.items() if key in found or key[0] >= iso(window(30).start)}
    assert differing(found, kept) == []
    assert check.judged_again > 10
    assert any(severity == "severe" for severity, _, _ in found.values())
