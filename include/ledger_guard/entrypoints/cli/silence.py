"""`silence`: call nobody for a while."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.shown_text import one_line, wrote
from ledger_guard.domain.wake import Silence
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.keyed import say_if_it_may_not_count
from ledger_guard.entrypoints.cli.person import by as by_option
from ledger_guard.use_cases.wake import acknowledge as calls


@click.group()
def silence() -> None:
    """Call nobody for a while. Incidents, notices, approvals and writes go on as ever."""


@silence.command()
@click.option("--minutes", required=True, type=click.IntRange(1), help="How long.")
@click.option("--trigger", "triggers", multiple=True, help="Only for this trigger; may be given again. Default: every one.")
@click.option("--tenant-id", "tenants", multiple=True, help="Only for this tenant; may be given again. Default: every one.")
@click.option("--reason", required=True, help="Why, in at least 10 characters.")
@by_option("Who wants it.")
def start(minutes: int, triggers: tuple[str, ...], tenants: tuple[str, ...], reason: str, by: str) -> None:
    """Call nobody for so long. What is still severe afterwards calls then.

    \b
    Example:
      python -m ledger_guard silence start --minutes 60 --trigger T1 --tenant-id default_casino --reason "load test" --by anna
    """  # noqa: D301
    deps = wiring.open_dependencies()
    say_if_it_may_not_count(deps)
    made = calls.silence(deps, minutes, reason, by, triggers=triggers, tenants=tenants, is_proved=False)
    click.echo(_line(made))


@silence.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_silences(as_json: bool) -> None:
    """List silences by hand and maintenance of the policy that are going on.

    \b
    Example: python -m ledger_guard silence list --json
    """  # noqa: D301
    found = calls.silences(wiring.open_dependencies())
    if as_json:
        click.echo(json.dumps([json_form(each) for each in found], indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(_line(each) for each in found) or "nobody is silenced")


@silence.command()
@click.argument("silence_id", metavar="ID")
@click.option("--reason", required=True, help="Why, in at least 10 characters.")
@by_option("Who ends it.")
def end(silence_id: str, reason: str, by: str) -> None:
    """End a silence before its time.

    \b
    Example: python -m ledger_guard silence end 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --reason "the test is over" --by anna
    """  # noqa: D301
    deps = wiring.open_dependencies()
    say_if_it_may_not_count(deps)
    found = calls.end_silence(deps, silence_id, reason, by, is_proved=False)
    click.echo(f"ended: people are called for {calls.about(found)} again")


def _line(found: Silence) -> str:
    name = found.silence_id or "policy"
    return f"{name}  {calls.about(found)} until {iso(found.ends_at)}  {one_line(found.by)} {wrote(found.reason)}"
