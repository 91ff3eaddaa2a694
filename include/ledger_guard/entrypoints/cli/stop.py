"""`stop`: hold every write of the guard."""

from __future__ import annotations

import getpass

import click

from ledger_guard import wiring
from ledger_guard.use_cases.approvals.stop import stop as stop_guard


@click.command()
@click.option("--reason", required=True, help="Why, in at least 10 characters: the person on call will read it.")
@click.option(
    "--by", default=getpass.getuser, show_default="your user name", help="Who stops it. Recorded as stated, not proved."
)
def stop(reason: str, by: str) -> None:
    """Hold every write of the guard until a second person releases it. Needs guard state only, not Airflow.

    No write of wallets or flags begins; a running backfill ends after its batch and can be resumed after the release. The guard
    still reads, judges and notifies. Exit code 3 when it is already stopped.

    \b
    Example: python -m ledger_guard stop --reason "wallets of two tenants were paid twice" --by anna
    """  # noqa: D301
    click.echo(stop_guard(wiring.open_dependencies(), reason, by, is_proved=False).sentence)
