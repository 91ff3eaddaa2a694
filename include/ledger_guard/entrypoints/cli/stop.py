"""`stop`: hold every write of the guard."""

from __future__ import annotations

import getpass

import click

from ledger_guard import wiring
from ledger_guard.use_cases.bounds.stop import stop as stop_guard


@click.command()
@click.option("--reason", required=True, help="Why, in at least 10 characters: whoever is paged will read it.")
@click.option(
    "--by", default=getpass.getuser, show_default="your user name", help="Who stops it. Recorded as stated, not proved."
)
def stop(reason: str, by: str) -> None:
    """Hold every write of the guard until a second person releases it. Needs guard state only, not Airflow.

    No write begins any more, of wallets or flags; a running backfill ends after its batch and is resumed after the release. The
    guard goes on reading, judging and telling. Exit code 3 when it is stopped already.

    \b
    Example: python -m ledger_guard stop --reason "wallets of two tenants were paid twice" --by anna
    """  # noqa: D301
    click.echo(stop_guard(wiring.open_dependencies(), reason, by, is_proved=False).sentence)
