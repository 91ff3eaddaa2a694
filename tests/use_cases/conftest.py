"""Fixtures of all use cases' tests."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from ledger_guard.domain import secrets


@pytest.fixture(scope="session", autouse=True)
def _each_fingerprint_once() -> Iterator[None]:
    """A fingerprint is dear to compute on purpose, and most worlds here have the same few secrets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "secret_fingerprint", functools.cache(secrets.secret_fingerprint))
        yield
