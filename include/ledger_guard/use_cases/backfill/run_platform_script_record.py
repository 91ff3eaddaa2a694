"""A run of the platform's script as the audit log keeps it and the command line prints it: bounded, whatever its size."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ledger_guard.domain.command_outcome import CommandOutcome, CommandRun, WalletChanges

#: players named in each group; the number beside them is always whole
PLAYERS_NAMED = 20


def run_as_json(run: CommandRun) -> dict[str, Any]:
    """One process: command line, end, exit code, milliseconds and its last lines."""
    return {
        "command": list(run.command),
        "end": run.end.value,
        "exit_code": run.exit_code,
        "milliseconds": round(run.seconds * 1000),
        "output": list(run.output),
        "lines_dropped": run.lines_dropped,
    }


def outcome_as_json(outcome: CommandOutcome) -> dict[str, Any]:
    """The whole outcome; groups of players as their number and the first of them, by id."""
    others = outcome.other_tenants
    return {
        "plan_id": outcome.plan_id,
        "tenant_id": outcome.tenant_id,
        "is_done": outcome.is_done,
        "problems": list(outcome.problems),
        "remarks": list(outcome.remarks),
        "changes": changes_as_json(outcome.changes),
        "other_tenants_changed": None if others is None else len(others),
        "dry_run": run_as_json(outcome.dry_run),
        "run": run_as_json(outcome.run),
    }


def changes_as_json(changes: WalletChanges) -> dict[str, dict[str, Any]]:
    """Each group by name: how many players, and some of them."""
    groups = {group.name: getattr(changes, group.name) for group in fields(changes)}
    return {name: {"players": len(found), "some": list(found[:PLAYERS_NAMED])} for name, found in groups.items()}
