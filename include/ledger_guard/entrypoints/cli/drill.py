"""`drill`: play an incident with a made-up tenant, and see when that was done last."""

from __future__ import annotations

import getpass
import json

import click

from ledger_guard import wiring
from ledger_guard.domain.drills import last_drills
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.person import as_stated
from ledger_guard.use_cases.drills.request import request_drill


@click.group()
def drill() -> None:
    """Start a drill, or show the last ones. A drill writes nothing to the platform."""


@drill.command()
@click.argument("trigger")
@click.option(
    "--by",
    default=getpass.getuser,
    show_default="your user name",
    callback=as_stated,
    help="Who asks for it. Recorded as stated, not proved.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def start(trigger: str, by: str, as_json: bool) -> None:
    """Ask for a drill of TRIGGER; the next health check starts it, and it ends by itself.

    A severe rise of the policy's canary tenant is judged in memory, posted as a drill, and approvers are asked; whatever they
    answer, nothing is written. Exit code 3 while another drill of the trigger has not ended.

    \b
    Example: python -m ledger_guard drill start T1 --by anna
    """  # noqa: D301
    found = request_drill(wiring.open_dependencies(), trigger, by, is_proved=False)
    if as_json:
        ends_by = iso(found.request.ends_by)
        click.echo(json.dumps({"drill_id": found.drill_id, "trigger": found.trigger, "state": found.state, "ends_by": ends_by}))
        return
    click.echo(f"drill {found.drill_id} of {found.trigger}, asked for by {found.by}: the next health check starts it")


@drill.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Print the last drill of each trigger: how old it is, how it ended, and how long each step took.

    \b
    Example: python -m ledger_guard drill status --json
    """  # noqa: D301
    deps = wiring.open_dependencies()
    with deps.state.snapshot() as state:
        found = last_drills(deps.policy.triggers, state.audit, deps.wall_clock.now(), deps.policy.drill.every)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(each.sentence)
