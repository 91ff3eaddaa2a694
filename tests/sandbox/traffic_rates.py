"""Measures what was played, the way the guard does: failures out of what reached the check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from tests.sandbox.conftest import AS_OF, rows

from ledger_sandbox.traffic import play

T1 = """
    select tenant_id, count(*) filter (where status = 400), count(*) from ledger_guard.access_event
    where path = '/api/v1/player/wallet/withdraw' and (status = 200 or status = 400 and error_code = 'INSUFFICIENT_FUNDS')
      and event_time >= %(start)s and event_time < %(end)s
    group by 1
"""
T2 = """
    select tenant_id, count(*) filter (where status = 401), count(*) from ledger_guard.access_event
    where path like '/api/v1/payments/webhook/%%' and event_time >= %(start)s and event_time < %(end)s
    group by 1
"""


@dataclass(frozen=True)
class Rates:
    """Failures and attempts by tenant."""

    counted: dict[str, tuple[int, int]]

    def of(self, tenant_id: str) -> float:
        failures, attempts = self.counted[tenant_id]
        return failures / attempts

    def attempts(self, tenant_id: str) -> int:
        return self.counted[tenant_id][1]

    def without(self, *tenants: str) -> float:
        rest = [counts for tenant, counts in self.counted.items() if tenant not in tenants]
        return sum(failures for failures, _ in rest) / sum(attempts for _, attempts in rest)


def played(uri: str, signal: str, *, start: datetime = AS_OF, windows: int = 12, seed: int = 1) -> Rates:
    """Play so many windows from `start` and measure them."""
    end = start + windows * timedelta(minutes=5)
    play(uri, start, end, np.random.default_rng(seed))
    return measured(uri, signal, start, end)


def measured(uri: str, signal: str, start: datetime, end: datetime) -> Rates:
    return Rates({tenant: (failures, attempts) for tenant, failures, attempts in rows(uri, signal, start=start, end=end)})
