"""Engines that have lived through two quiet days, which takes long enough to do it once."""

import pytest
from readings import TINY, USUAL, Platform, remembered, resumed


@pytest.fixture(scope="session")
def learned_days() -> bytes:
    """Eight tenants of 400 attempts a window."""
    return remembered(USUAL)


@pytest.fixture
def platform(learned_days) -> Platform:
    return resumed(USUAL, learned_days)


@pytest.fixture(scope="session")
def learned_tiny() -> bytes:
    """And a ninth of two attempts a window."""
    return remembered(TINY)


@pytest.fixture
def with_tiny(learned_tiny) -> Platform:
    return resumed(TINY, learned_tiny)
