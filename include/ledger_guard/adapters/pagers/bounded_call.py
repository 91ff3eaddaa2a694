"""A call of a service's own client, bounded in time: their retries may go on for many minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ledger_guard.domain.errors import PagingFailed

#: the next pager is called after so long
SECONDS = 20.0


def bounded(name: str, call: Callable[[], Any], seconds: float | None = None) -> None:
    """Return when `call` has, within `SECONDS` or as many as are given. `name` begins the error: `PagerDuty`.

    What is raised in it is told by its class alone: its text may hold a key or an address with one.

    Raises:
        PagingFailed: it raised, or has not returned in time. Whether people were called is not known then.
    """
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  each service's client has errors of its own; one may end its thread
            failures.append(error)

    thread = threading.Thread(target=run, name=f"calls {name}", daemon=True)
    thread.start()
    most_seconds = SECONDS if seconds is None else seconds
    thread.join(most_seconds)
    if thread.is_alive():
        raise PagingFailed(f"{name} did not answer within {most_seconds:.0f} s")
    if failures:
        if isinstance(failures[0], PagingFailed):
            raise failures[0]
        raise PagingFailed(f"{name} refused the call ({type(failures[0]).__name__})")
