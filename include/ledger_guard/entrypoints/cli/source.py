"""`source`: where a trigger's readings come from."""

from __future__ import annotations

import json

import click

from ledger_guard.domain.facts.codec import json_form
from ledger_guard.use_cases.ingest.source_check import check_source

_DOES_NOT_FIT = 1


@click.group()
def source() -> None:
    """Check where a trigger's readings come from.

    \b
    Example:
      python -m ledger_guard source check T1
    """  # noqa: D301


@source.command()
@click.argument("trigger")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
def check(trigger: str, as_json: bool) -> None:
    """Read a trigger's newest hour and say what its source gives; exit code 1 when it can't be judged. Stores nothing.

    It checks that the source answers, that columns, times, tenants and counts are what they have to be, that there is one row a
    window and tenant, and that a window read by itself gives the same as among others. Where the database can say what the query
    costs, that is shown.

    \b
    Example: python -m ledger_guard source check T1 --json
    """  # noqa: D301
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415

    deps = open_dependencies()
    found = check_source(deps, deps.policy.checked_trigger(trigger))
    if as_json:
        click.echo(json.dumps(json_form(found, "trigger", "kind", "fits", "findings"), indent=2))
    else:
        click.echo(f"{deps.policy.named(deps.policy.checked_trigger(trigger))}: source {found.kind}")
        for finding in found.findings:
            click.echo(f"  {finding.name}: {'' if finding.fits else 'WRONG: '}{finding.line}")
    if not found.fits:
        raise SystemExit(_DOES_NOT_FIT)
