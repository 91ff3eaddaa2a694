"""compare: balances as of now, going on from the comparison before where the trigger's source can."""

from __future__ import annotations

import logging

from ledger_guard.domain.comparisons import ComparedBalances
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import ContinuedSource

_log = logging.getLogger(__name__)


def compare_now(deps: Dependencies, trigger: Trigger, window: Window) -> ComparedBalances:
    """Compare for the window that just closed. Stores nothing: what is left for the next comparison belongs to the readings.

    Raises SourceUnavailable when the source or guard state does not answer.
    """
    if not isinstance(deps.signals, ContinuedSource):
        return ComparedBalances(deps.signals.readings(trigger, window, window))
    with deps.state.transaction() as state:
        before = state.comparisons.last(trigger)
    found = deps.signals.compare(trigger, window, before)
    if found.told:
        _log.info("%s: %s", trigger.value, found.told)
    return found
