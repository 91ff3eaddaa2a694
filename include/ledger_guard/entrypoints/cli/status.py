"""`status`: whether the guard is stopped, and what waits for people."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.entrypoints.cli.main import DONE, REFUSED
from ledger_guard.use_cases.bounds.status import guard_status


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Say whether the guard is stopped, and what waits. Exit code 0 while it may write, 3 while it is stopped.

    \b
    Example: python -m ledger_guard status --json
    """  # noqa: D301
    found = guard_status(wiring.open_dependencies())
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(found.lines()))
    ctx.exit(REFUSED if found.stop else DONE)
