"""Maps the guard's errors to Airflow's: what a retry can't fix fails at once, the rest may be retried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.command_outcome import CommandFailed
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, PagingFailed, SafetyRefusal, StaleVersionError
from ledger_guard.entrypoints.airflow.conf import refuse_unknown_conf
from ledger_guard.entrypoints.airflow.watch import watch_from_this_task


@contextmanager
def never_retried() -> Iterator[None]:
    """Bad input, a safety refusal, a broken invariant and a failed script fail the task without retry; others pass through.

    So do calls that reached nobody: a retry would do twice what else the task does, and the next check calls again. A stale
    version passes through: the next try reads the newer one.
    """
    try:
        yield
    except StaleVersionError:
        raise
    except (BadInputError, SafetyRefusal, LedgerInvariantError, CommandFailed, PagingFailed) as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


@contextmanager
def first_task(*, watches: bool = True) -> Iterator[None]:
    """Wraps a DAG's first task: as `never_retried`, and does nothing for a run with an unknown conf key.

    After its work, done or refused, it reports what blocks other runs; this never fails the task. Without `watches` it does not:
    for the DAG with its own tasks for this.
    """
    try:
        with never_retried():
            refuse_unknown_conf()
            yield
    finally:
        if watches:
            watch_from_this_task()
