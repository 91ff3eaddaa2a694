"""One task that does several things, each of which fails alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from ledger_guard.domain.errors import GuardStateUnavailable, LedgerGuardError
from ledger_guard.entrypoints.airflow.errors import never_retried

log = logging.getLogger(__name__)


def each_part(parts: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Do all of them, in their order; one that fails stops no other. Returns what each found, as logged.

    Raises:
        GuardStateUnavailable: whatever failed did so for that: people are told once an hour, whichever task met it.
        LedgerGuardError: one or more failed; the message names each and why. The rest was done.
        AirflowFailException: as above, and no retry would help.
    """
    found: dict[str, Any] = {}
    failed: dict[str, Exception] = {}
    for name, part in parts.items():
        try:
            with never_retried():
                found[name] = part()
        except AirflowSkipException as skipped:
            found[name] = f"skipped: {skipped}"
        except Exception as error:
            failed[name] = error
            log.exception("%s failed", name)
        else:
            log.info("%s: %s", name, found[name])
    if failed:
        words = "; ".join(f"{name} failed: {error}" for name, error in failed.items())
        others = f" (done: {', '.join(found)})" if found else ""
        raise _kind_of(failed.values())(words + others)
    return found


def _kind_of(failures: Iterable[Exception]) -> type[Exception]:
    for kind in (AirflowFailException, GuardStateUnavailable):
        if all(isinstance(error, kind) for error in failures):
            return kind
    return LedgerGuardError
