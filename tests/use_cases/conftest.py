"""Fixtures of all use cases' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.once import worked_out_once


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with worked_out_once():
        yield
