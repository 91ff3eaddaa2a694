"""`platform`: does the policy fit the platform that the guard is pointed at?"""

from __future__ import annotations

import json

import click

from ledger_guard.domain.facts.codec import json_form
from ledger_guard.use_cases.ingest.platform_check import PLAYERS_AT_MOST, PlatformCheck, check_platform

_DOES_NOT_FIT = 1


@click.group()
def platform() -> None:
    """Look at the platform before the guard judges its money.

    \b
    Example:
      python -m ledger_guard platform check
    """  # noqa: D301


@platform.command()
@click.option(
    "--players", type=click.IntRange(10, 100_000), default=PLAYERS_AT_MOST, show_default=True, help="Learn from so many."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
def check(players: int, as_json: bool) -> None:
    """Hold the policy against schema, ledger words, flags, log and secrets; exit code 1 when something does not fit.

    What each ledger type and status moves is learnt from the data: balances that transactions noted, and how far wallets are
    from their players. For words that the policy lacks or has wrong it prints bookings, ready for platform.ledger.bookings.
    It reads only, through the reader's connection, and the ledger once.

    \b
    Example: python -m ledger_guard platform check
             LEDGER_GUARD_POLICY=include/policies/reference_platform.yaml python -m ledger_guard platform check --json
    """  # noqa: D301
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies, open_ledger_words  # noqa: PLC0415

    deps = open_dependencies()
    found = check_platform(deps, open_ledger_words(deps.policy), players)
    click.echo(json.dumps(_as_json(found), indent=2) if as_json else "\n".join(_lines(found)))
    if not found.fits:
        raise SystemExit(_DOES_NOT_FIT)


def _lines(found: PlatformCheck) -> list[str]:
    lines = []
    for part in found.parts:
        lines.append(f"{part.name}: {'fits' if part.fits else 'does not fit'}")
        lines += [f"  {line}" for line in part.lines]
    if found.proposal:
        lines += ["", "# for the policy, under platform: ledger: bookings:", *found.proposal]
    return lines


def _as_json(found: PlatformCheck) -> dict[str, object]:
    return {
        **json_form(found, "fits", "parts"),
        "words": [
            {
                "type": each.word[0],
                "status": each.word[1],
                **json_form(each, "rows", "players"),
                "moves": each.side.value,
                **json_form(each, "available", "held", "fits", "places"),
            }
            for each in found.words
        ],
        **json_form(found, "proposal"),
    }
