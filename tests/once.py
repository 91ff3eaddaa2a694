"""What is the same whenever it is asked for, worked out once a session."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger_guard.domain import secrets
from ledger_guard.policy import loader


@contextmanager
def worked_out_once() -> Iterator[None]:
    """A policy's text is parsed once, and a secret's fingerprint, which is dear on purpose, is computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "parse_policy", functools.cache(loader.parse_policy))
        patch.setattr(secrets, "secret_fingerprint", functools.cache(secrets.secret_fingerprint))
        yield
