"""What a pager says when it is asked for something, so that one that fails in any way holds up nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ledger_guard.domain.errors import PagingFailed

log = logging.getLogger(__name__)


def refused(call: Callable[[], None]) -> str:
    """Why a pager did not take what `call` asks of it; empty when it did.

    An error that the adapter did not foresee is told by its class alone: its text may hold a key.
    """
    try:
        call()
    except PagingFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  an adapter's fault may not keep the next pager from being called
        log.warning("a pager failed with %s", type(error).__name__)
        return f"it failed with {type(error).__name__}"
    return ""
