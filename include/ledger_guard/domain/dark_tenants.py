"""When a single tenant without requests is dark, not quiet: judged by its own traffic of the hour before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window

#: fewer windows with requests than this, before it went dark, say too little of a tenant
LEAST_WINDOWS = 6
#: the last window with requests may be cut off, or the end of a fading: without it the evidence has to be so many times as strong
_TWICE = 2.0


@dataclass(frozen=True)
class DarkTenant:
    """A tenant whose requests have stopped, where that is implausible."""

    tenant_id: str
    #: start of the first window without a request
    since: datetime
    #: requests in the least busy window of the hour before
    usual: int


def dark_tenants(
    windows: Sequence[Window], readings: Iterable[Reading], missing_data_probability: float, dark_windows: int
) -> list[DarkTenant]:
    """Tenants without a request in the newest `dark_windows` or more of these windows, by id.

    `windows` are complete ones, in order of time. A tenant counts as dark when that many empty windows are less likely than
    `missing_data_probability` for any tenant at all, even at the traffic of its least busy window before: neither traffic that
    fades, as by night, makes a tenant dark, nor traffic that did not fill `LEAST_WINDOWS` in a row.
    """
    place = {window.start: number for number, window in enumerate(windows)}
    by_tenant: dict[str, dict[int, int]] = {}
    for reading in readings:
        if reading.attempts and reading.window.start in place:
            by_tenant.setdefault(reading.tenant_id, {})[place[reading.window.start]] = reading.attempts
    if not by_tenant:
        return []
    needed = math.log(len(by_tenant)) - math.log(missing_data_probability)
    found = []
    for tenant_id, busy in sorted(by_tenant.items()):
        first = max(busy) + 1
        empty, usual = len(windows) - first, _least_before(busy, first - 1)
        is_implausible = min(usual, busy[first - 1]) * empty > needed or usual * empty > _TWICE * needed
        if empty >= dark_windows and is_implausible:
            found.append(DarkTenant(tenant_id, windows[first].start, usual))
    return found


def _least_before(busy: Mapping[int, int], last: int) -> int:
    """The least exposure of the windows in a row before number `last`; 0 where they are too few."""
    row = list(itertools.takewhile(busy.__contains__, range(last - 1, -1, -1)))
    return min(busy[number] for number in row) if len(row) >= LEAST_WINDOWS else 0
