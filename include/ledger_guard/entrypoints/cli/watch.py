"""`watch`: what keeps the guard from seeing or acting, checked from outside Airflow."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.domain.errors import LedgerGuardError, SourceUnavailable
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.held_up import held_up
from ledger_guard.use_cases.health_check.oddities import dark_sentences
from ledger_guard.use_cases.health_check.tell_blind import tell_blind
from ledger_guard.use_cases.health_check.watch import tell_from_outside
from ledger_guard.use_cases.health_check.watch import watch as verdict_sentences


@click.command()
@click.option("--tell/--no-tell", default=True, help="Notify people of new problems, once each; without it, only print.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def watch(ctx: click.Context, tell: bool, as_json: bool) -> None:
    """Report problems of the guard itself. For cron or a timer, every five minutes, besides the health check.

    Needs only guard state, so it works when Airflow is down; without guard state it posts that the guard is blind, once an hour.
    It reports: no verdicts for the policy's time, runs that should have started and did not, questions that expired without a
    record, tenants that went dark, log lines out of time, unknown tenants; and what the DAGs' tasks saw last: paused DAGs,
    emergencies that stay queued. Everything is printed, one line each; new problems are also posted in the channel. Exit code 1
    when there is a problem.

    \b
    Examples:
      python -m ledger_guard watch
      python -m ledger_guard watch --no-tell --json
    """  # noqa: D301
    deps = wiring.open_dependencies()
    try:
        problems = verdict_sentences(deps)
        with deps.state.snapshot() as state:
            problems += [*held_up(deps, state), *dark_sentences(deps, state)]
    except SourceUnavailable as error:
        if tell:
            _tell_without_guard_state(deps, error)
        raise
    if tell:
        try:
            tell_from_outside(deps)
        except LedgerGuardError as error:
            # the problems are printed below; a failed notification is a problem too
            click.echo(f"not posted: {error}", err=True)
    if as_json:
        click.echo(json.dumps({"at": iso(deps.wall_clock.now()), "problems": problems}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(problems) or "no problems")
    ctx.exit(1 if problems else 0)


def _tell_without_guard_state(deps: Dependencies, error: SourceUnavailable) -> None:
    try:
        tell_blind(deps, wiring.local_marker(), error, "the watcher outside of Airflow")
    except LedgerGuardError as failed:
        click.echo(f"not posted: {failed}", err=True)
