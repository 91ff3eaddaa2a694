"""`mode`: how far each row of the policy's matrix may go by itself, and what it did."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.modes import Mode
from ledger_guard.entrypoints.cli.person import by as by_option
from ledger_guard.use_cases.approvals.change_mode import RAISE_IN_AIRFLOW, lower_mode
from ledger_guard.use_cases.reports.mode_report import mode_report


@click.group()
def mode() -> None:
    """Show or lower how far each row of the policy's matrix may go by itself."""


@mode.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(as_json: bool) -> None:
    """Print each row: its mode, since when and why; how often it acted or would have acted; how often that was wrong.

    A row would have acted where nothing but its mode made a plan wait for a human. Wrong: undone, written wallets wrong again, or
    the incident was a false alarm.

    \b
    Example: python -m ledger_guard mode report --json
    """  # noqa: D301
    deps = wiring.open_dependencies()
    found = mode_report(deps)
    if as_json:
        click.echo(json.dumps(json_form(found), indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo("\n".join(each.lines(deps.policy.platform.currency)))


@mode.command()
@click.argument("row")
@click.option("--to", "to", type=click.Choice(["shadow", "propose"]), default="propose", show_default=True, help="The new mode.")
@click.option("--reason", required=True, help="Why, in at least 10 characters.")
@by_option("Who changes it.")
def lower(row: str, to: str, reason: str, by: str) -> None:
    """Lower the mode of ROW, as `mode report` names it. Needs guard state only, not Airflow. Exit 3 if it is not above.

    \b
    Example: python -m ledger_guard mode lower "T1 severe isolated" --reason "two repairs were wrong" --by anna
    """  # noqa: D301
    click.echo(lower_mode(wiring.open_dependencies(), row, Mode(to), reason, by, is_proved=False).sentence)


@mode.command("raise")
@click.argument("row")
@click.option("--to", "to", type=click.Choice(["propose", "act"]), required=True, help="The new mode.")
@click.option("--reason", required=True, help="Why, in at least 10 characters.")
@by_option("Who changes it.")
def raise_(row: str, to: str, reason: str, by: str) -> None:  # noqa: ARG001  the same options as the form in Airflow
    """Refused (exit 3): the guard's writes depend on it, and a command line proves no name. Says where to do it.

    \b
    Example: start the DAG guard_mode in Airflow, with the order `raise`
    """  # noqa: D301
    raise SafetyRefusal(RAISE_IN_AIRFLOW)
