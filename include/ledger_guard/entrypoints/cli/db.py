"""`db`: upgrade guard state's schema, show its revision, and print the rights of its roles."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import click

from ledger_guard import wiring
from ledger_guard.adapters.postgres.migrate import current_revision, newest_revision
from ledger_guard.adapters.postgres.migrate import upgrade as upgrade_guard_state
from ledger_guard.adapters.postgres.roles import PARTS, ROLE_NAMES, roles_sql
from ledger_guard.connections import guard_settings
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.storage.keep_storage import keep_storage

_FAILED = 1
_OWNERS_PATIENCE = timedelta(minutes=10)


@click.group()
def db() -> None:
    """Bring guard state's schema up to date."""


@db.command()
def upgrade() -> None:
    """Create or upgrade the schema `ledger_guard` in the database of connection `ledger_guard_db`.

    Safe to run again, and from two places at once. It does not touch the platform's tables.

    \b
    Example:
      python -m ledger_guard db upgrade
    """  # noqa: D301
    click.echo(f"guard state is at revision {upgrade_guard_state(guard_settings())}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def maintain(as_json: bool) -> None:
    """Make partitions for the next days, and drop what the policy's `retention` no longer keeps, as DAG guard_storage does.

    For a cron job of the tables' owner where the guard's role may not, or after a long outage: it may move many rows, and writers
    of a table wait for up to 10 minutes meanwhile. Three partitions of a table are dropped in one run.

    \b
    Example:
      python -m ledger_guard db maintain
    """  # noqa: D301
    found = keep_storage(wiring.open_dependencies(), _OWNERS_PATIENCE)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        click.echo("\n".join([found.sentence, *found.problems]))


@db.command()
@click.option("--part", type=click.Choice(["all", *PARTS]), default="all", show_default=True, help="Rights in which database.")
@click.option("--reader", default=ROLE_NAMES["reader"], show_default=True, help="Role that only reads.")
@click.option("--backfill", default=ROLE_NAMES["backfill"], show_default=True, help="Role that writes wallets.")
@click.option("--guard", default=ROLE_NAMES["guard"], show_default=True, help="Role of guard state and flags.")
def roles(part: str, reader: str, backfill: str, guard: str) -> None:
    """Print the SQL of the database roles. The tables' owner runs it, again after each `db upgrade`. Connects to nothing.

    No role owns a table or may change or delete audit entries. Table names come from the policy. If guard state has its own
    database, run each part in its database.

    \b
    Example:
      python -m ledger_guard db roles | psql --set ON_ERROR_STOP=1 postgresql://owner@db/platform
    """  # noqa: D301
    names = {"reader": reader, "backfill": backfill, "guard": guard}
    click.echo(roles_sql(load_policy(), names, PARTS if part == "all" else (part,)))


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show the revision of guard state: exit 0 when this program can use it, 1 when it can't.

    \b
    Example:
      python -m ledger_guard db status --json
    """  # noqa: D301
    found, newest = current_revision(guard_settings()), newest_revision()
    is_current = found == newest
    if as_json:
        click.echo(json.dumps({"revision": found, "newest": newest, "is_current": is_current}, indent=2))
    elif is_current:
        click.echo(f"guard state is at revision {found}, the newest")
    else:
        there = "not created yet" if found is None else f"at revision {found}"
        click.echo(f"guard state is {there}, this program needs {newest}: run `python -m ledger_guard db upgrade`")
    if not is_current:
        context.exit(_FAILED)
