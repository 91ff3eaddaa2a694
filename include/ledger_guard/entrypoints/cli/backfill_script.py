"""`backfill run-script`: run the platform's own backfill script for a stored plan."""

from __future__ import annotations

import json

import click

from ledger_guard.domain.command_outcome import CommandOutcome
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.entrypoints.cli.keyed import say_if_unkeyed
from ledger_guard.entrypoints.cli.person import actor as actor_option
from ledger_guard.use_cases.backfill.run_platform_script import run_platform_script
from ledger_guard.use_cases.backfill.run_platform_script_rules import changes_told, outcome_told


@click.command("run-script")
@click.option("--plan", "plan_id", required=True, metavar="ID", help="The plan's id, as `dry-run` printed it.")
@actor_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
def run_script(plan_id: str, actor: str, as_json: bool) -> None:
    """Let the platform's own script execute a plan; exit code 1 when it did not, 3 when a safety rule refuses.

    Refused where the script would erase money that the ledger explains. It can't be undone: `force` is safer.

    \b
    Example: python -m ledger_guard backfill run-script --plan 7d0c… --json
    """  # noqa: D301
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies, open_platform_script  # noqa: PLC0415

    deps = open_dependencies()
    script, witness = open_platform_script(deps.policy)
    outcome = run_platform_script(deps, script, witness, plan_id, actor)
    click.echo(json.dumps(json_of(outcome_told(outcome)), indent=2) if as_json else "\n".join(_lines(outcome)))
    say_if_unkeyed(deps)
    if not outcome.is_done:
        raise SystemExit(1)


def _lines(outcome: CommandOutcome) -> list[str]:
    groups = changes_told(outcome.changes)
    counted = ", ".join(f"{found.players} {name.replace('_', ' ')}" for name, found in groups.items())
    return [
        "done" if outcome.is_done else "not done",
        f"script    {outcome.run.ending}",
        f"wallets   {counted}",
        *outcome.problems,
        *outcome.remarks,
    ]
