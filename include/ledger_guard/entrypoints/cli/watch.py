"""`watch`: what keeps the guard from seeing or acting, seen from outside of Airflow."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.windows import iso
from ledger_guard.use_cases.approvals.held_up import held_up
from ledger_guard.use_cases.health_check.watch import tell_from_outside
from ledger_guard.use_cases.health_check.watch import watch as verdict_sentences


@click.command()
@click.option("--tell/--no-tell", default=True, help="Tell people what is new, each thing once; without, only print.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def watch(ctx: click.Context, tell: bool, as_json: bool) -> None:
    """Say what is wrong with the guard itself: for cron or a timer, every five minutes, beside the health check.

    Needs guard state only, so it speaks up when Airflow stands still: no verdicts for two windows, runs that were to start
    and have not begun, questions that expired without a record; and what the DAGs' tasks saw last: paused DAGs, emergencies
    that stay queued. Everything is printed, one line each; what is new is told in the channel too. Exit code 1 when there is
    something.

    \b
    Examples:
      python -m ledger_guard watch
      python -m ledger_guard watch --no-tell --json
    """  # noqa: D301
    deps = wiring.open_dependencies()
    problems = verdict_sentences(deps)
    with deps.state.snapshot() as state:
        problems += held_up(deps, state)
    if tell:
        try:
            tell_from_outside(deps)
        except LedgerGuardError as error:
            # what stands below is wrong with the guard; that nobody hears of it has to be said as well
            click.echo(f"not told: {error}", err=True)
    if as_json:
        click.echo(json.dumps({"at": iso(deps.wall_clock.now()), "problems": problems}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(problems) or "nothing is wrong")
    ctx.exit(1 if problems else 0)
