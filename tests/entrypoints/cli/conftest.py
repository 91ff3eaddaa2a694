"""Fixtures of the command line's tests."""

from collections.abc import Iterator

import pytest
from tests.entrypoints.cli.backtest_files import Backtest, ReadableEngine
from tests.once import worked_out_once


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with worked_out_once():
        yield


@pytest.fixture
def judge(tmp_path, capsys) -> Backtest:
    """The backtest command, over lines of readings."""
    return Backtest(tmp_path, capsys)


@pytest.fixture
def readable_engine(monkeypatch) -> ReadableEngine:
    """Lets the command judge by an engine whose verdicts can be read off the readings."""
    engine = ReadableEngine()
    monkeypatch.setattr("ledger_guard.entrypoints.cli.backtest.make_engine", lambda *_, **__: engine)
    return engine
