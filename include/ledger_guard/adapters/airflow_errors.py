"""From the guard's errors to Airflow's: what a retry can't mend fails at once, the rest may be tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal


@contextmanager
def never_retried() -> Iterator[None]:
    """Bad input, a refusal by a safety rule and a broken invariant fail the task for good; other errors pass through."""
    try:
        yield
    except (BadInputError, SafetyRefusal, LedgerInvariantError) as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
