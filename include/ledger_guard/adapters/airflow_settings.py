"""Airflow-side settings that an operator may change without touching the policy."""

from __future__ import annotations

import os

#: how often a waiting task looks, in seconds; short in rehearsals, where nobody wants to wait
POKE_SECONDS = int(os.environ.get("LEDGER_GUARD_POKE_SECONDS", "15"))

#: when the health check runs by itself; `off` leaves it to people (a rehearsal that plays its story step by step)
CHECK_SCHEDULE = {"on": "*/5 * * * *", "off": None}[os.environ.get("LEDGER_GUARD_SCHEDULE", "on")]
