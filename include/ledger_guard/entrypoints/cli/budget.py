"""`budget`: how much may still be written without a human."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.use_cases.bounds.budget import budget_used


@click.group()
def budget() -> None:
    """Say how much may still be written without a human."""


@budget.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Print how much of the hour's and the day's budget is used, over all incidents, tenants and runs together.

    Approved plans and undos count, and are never held. What is being written counts whole.

    \b
    Example: python -m ledger_guard budget status --json
    """  # noqa: D301
    deps = wiring.open_dependencies()
    with deps.state.snapshot() as state:
        found = budget_used(deps, state)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
        return
    for each in found:
        click.echo(each.sentence(deps.policy.platform.currency))
