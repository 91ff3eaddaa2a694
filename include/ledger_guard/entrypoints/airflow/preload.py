"""Loads the guard's code once, in the process that starts the tasks, instead of once in each task.

Each task still reads its DAG, the policy's text, the environment and guard state by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ledger_guard.domain.errors import PolicyError
from ledger_guard.policy.loader import load_policy

#: components of Airflow that fork tasks or parse DAG files, as in `airflow COMPONENT`
FORKING = frozenset({"scheduler", "dag-processor", "celery"})
#: whatever a task may need; the engine brings NumPy and SciPy
_PACKAGES = (
    "ledger_guard.entrypoints.airflow",
    *(f"ledger_guard.use_cases.{each}" for each in ("approvals", "backfill", "drills", "flags", "health_check", "notify")),
    *(f"ledger_guard.use_cases.{each}" for each in ("remediation", "storage", "wake")),
)
_MODULES = ("ledger_guard.wiring", "ledger_guard.detection.level_filter", "ledger_guard.adapters.audit.audit_heads_file")


def preload(arguments: Sequence[str] | None = None) -> bool:
    """Load it if this process is one that forks tasks; whether it is. For `airflow_local_settings.py`.

    `arguments` are the process's own, by default those of this one. A process that runs a single task loads nothing in advance.
    """
    called = sys.argv if arguments is None else arguments
    if len(called) < 2 or Path(called[0]).name != "airflow" or called[1] not in FORKING:
        return False
    for name in _MODULES:
        importlib.import_module(name)
    for package in map(importlib.import_module, _PACKAGES):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    with suppress(PolicyError):
        # known by its text: a task that reads the same text need not check it again
        load_policy()
    return True
