"""The adapters of one task, built inside it: a DAG file that imports wiring would load every driver at each parse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from ledger_guard.domain.signals import Trigger
    from ledger_guard.policy.schema import Policy
    from ledger_guard.ports import Dependencies
    from ledger_guard.ports.drills import OpenDrillRoom
    from ledger_guard.ports.people import LocalMarker
    from ledger_guard.use_cases.backfill.run_platform_script import MovementWitness, PlatformScript
    from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome


def open_dependencies() -> Dependencies:
    """The ports of this task. Raises SchemaMismatch when guard state is of another release: before the task does anything."""
    from ledger_guard import wiring  # noqa: PLC0415

    return wiring.open_dependencies()


def dependencies_that_tell() -> Dependencies:
    """As `open_dependencies`, for telling people that a task failed: also when it failed because of guard state's release."""
    from ledger_guard import wiring  # noqa: PLC0415

    return wiring.dependencies_that_tell()


def local_marker() -> LocalMarker:
    """What was told while guard state was away, on this machine's disk."""
    from ledger_guard import wiring  # noqa: PLC0415

    return wiring.local_marker()


def judge(deps: Dependencies, trigger: Trigger) -> ClassifyOutcome:
    """As `classify`; loads NumPy, which no other task needs."""
    from ledger_guard.use_cases.health_check.classify import classify  # noqa: PLC0415

    return classify(deps, trigger)


def open_platform_script(policy: Policy) -> tuple[PlatformScript, MovementWitness]:
    """The driver of the platform's own backfill script, and the watcher of the ledger meanwhile."""
    from ledger_guard import wiring  # noqa: PLC0415

    return wiring.open_platform_script(policy)


def drill_room() -> OpenDrillRoom:
    """Opens the place where a drill is played: a guard in memory."""
    from ledger_guard.adapters.memory.drill_room import InMemoryDrillRoom  # noqa: PLC0415

    return InMemoryDrillRoom


def put_audit_head_on_record() -> int:
    """Add the audit log's head to the file LEDGER_GUARD_AUDIT_HEADS_FILE; returns its position in the log.

    Raises:
        AirflowSkipException: no file is named.
        LedgerInvariantError: the log lost a head that the file has.
    """
    from ledger_guard import wiring  # noqa: PLC0415
    from ledger_guard.adapters.audit.audit_heads_file import add_head  # noqa: PLC0415
    from ledger_guard.use_cases.audit.audit_log import audit_head  # noqa: PLC0415

    path = wiring.audit_heads_file()
    if path is None:
        raise AirflowSkipException("LEDGER_GUARD_AUDIT_HEADS_FILE is not set")
    deps, keys = wiring.open_dependencies(), wiring.audit_keys()
    return add_head(path, lambda earlier: audit_head(deps, keys, earlier)).sequence
