"""A run of the platform's script for the audit log and the command line, limited in size."""

from __future__ import annotations

from dataclasses import fields

from ledger_guard.domain.command_outcome import CommandOutcome, CommandRun, WalletChanges
from ledger_guard.domain.facts.backfill import PlayerGroup, ScriptOutcome, ScriptRun

#: players named in each group; their number is always complete
PLAYERS_NAMED = 20


def run_told(run: CommandRun) -> ScriptRun:
    """One process."""
    return ScriptRun(
        command=tuple(run.command),
        end=run.end.value,
        exit_code=run.exit_code,
        milliseconds=round(run.seconds * 1000),
        output=tuple(run.output),
        lines_dropped=run.lines_dropped,
    )


def outcome_told(outcome: CommandOutcome) -> ScriptOutcome:
    """The whole outcome; groups of players as their number and the first of them, by id."""
    others = outcome.other_tenants
    return ScriptOutcome(
        plan_id=outcome.plan_id,
        tenant_id=outcome.tenant_id,
        is_done=outcome.is_done,
        problems=tuple(outcome.problems),
        remarks=tuple(outcome.remarks),
        changes=changes_told(outcome.changes),
        other_tenants_changed=None if others is None else len(others),
        dry_run=run_told(outcome.dry_run),
        run=run_told(outcome.run),
    )


def changes_told(changes: WalletChanges) -> dict[str, PlayerGroup]:
    """Each group by name: how many players, and some of them."""
    groups = {group.name: getattr(changes, group.name) for group in fields(changes)}
    return {name: PlayerGroup(players=len(found), some=tuple(found[:PLAYERS_NAMED])) for name, found in groups.items()}
