"""From the guard's errors to Airflow's: what a retry can't mend fails at once, the rest may be tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal, StaleVersionError
from ledger_guard.entrypoints.airflow.conf import refuse_unknown_conf
from ledger_guard.entrypoints.airflow.watch import watch_from_this_task


@contextmanager
def never_retried() -> Iterator[None]:
    """Bad input, a refusal by a safety rule and a broken invariant fail the task for good; other errors pass through.

    So does a version that was out of date: the next try reads the newer one.
    """
    try:
        yield
    except StaleVersionError:
        raise
    except (BadInputError, SafetyRefusal, LedgerInvariantError) as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


@contextmanager
def first_task(*, watches: bool = True) -> Iterator[None]:
    """What a DAG's first task does its work in: as `never_retried`, and nothing is done for a run with an unknown key.

    After its work, done or refused, it tells what holds other runs up, and that never fails it. Without `watches` it does
    not: for the DAG that has tasks of its own for that.
    """
    try:
        with never_retried():
            refuse_unknown_conf()
            yield
    finally:
        if watches:
            watch_from_this_task()
