"""`db`: bring guard state's schema up to date, and say how far it is."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.adapters.postgres.migrate import current_revision, newest_revision
from ledger_guard.adapters.postgres.migrate import upgrade as upgrade_guard_state

_FAILED = 1


@click.group()
def db() -> None:
    """Bring guard state's schema up to date."""


@db.command()
def upgrade() -> None:
    """Create or upgrade the schema `ledger_guard` in the database of connection `ledger_guard_db`.

    Safe to run again, and from two places at once. It touches nothing of the platform.

    \b
    Example:
      python -m ledger_guard db upgrade
    """  # noqa: D301
    click.echo(f"guard state is at revision {upgrade_guard_state(wiring.guard_settings())}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Say at which revision guard state is: exit 0 when this program can work with it, 1 when it can't.

    \b
    Example:
      python -m ledger_guard db status --json
    """  # noqa: D301
    found, newest = current_revision(wiring.guard_settings()), newest_revision()
    is_current = found == newest
    if as_json:
        click.echo(json.dumps({"revision": found, "newest": newest, "is_current": is_current}, indent=2))
    elif is_current:
        click.echo(f"guard state is at revision {found}, the newest")
    else:
        there = "not there yet" if found is None else f"at revision {found}"
        click.echo(f"guard state is {there}, this program needs {newest}: run `python -m ledger_guard db upgrade`")
    if not is_current:
        context.exit(_FAILED)
