"""`policy check`: is the policy file valid, and do its probes work on the platform?"""

from __future__ import annotations

import json
from typing import Any

import click

from ledger_guard.domain.errors import PolicyError
from ledger_guard.domain.flags import ProbeLook, on_or_off
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.policy.schema import Policy

#: exit code of a probe whose form does not fit, as of an invalid policy
_UNFIT = 2
#: exit code of a probe that fits and showed nothing
_SHOWED_NOTHING = 1


@click.group()
def policy() -> None:
    """Check the policy file."""


@policy.command()
@click.argument("file", required=False, type=click.Path())
@click.option("--live", is_flag=True, help="Ask the instances and send the canaries of `probes`; report which of them work.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@click.pass_context
def check(ctx: click.Context, file: str | None, live: bool, as_json: bool) -> None:
    """Check FILE: prints every problem, one line each, with its place and what is allowed there.

    Without FILE it checks the active policy: the one in LEDGER_GUARD_POLICY, else the shipped one. Exit 0 when it is valid,
    2 when it is not.

    With --live it asks the platform as after a flag change: a canary withdrawal is a real request of the canary player. Exit 2
    when the platform rejects the form of a probe, 1 when a probe got no answer or shows neither on nor off.

    \b
    Examples:
      python -m ledger_guard policy check
      python -m ledger_guard policy check include/policies/ledger_rollout.yaml --json
      python -m ledger_guard policy check --live
    """  # noqa: D301
    path = str(policy_path(file))
    try:
        checked = load_policy(file)
    except PolicyError as error:
        if as_json:
            click.echo(json.dumps({"file": path, "is_valid": False, "problems": error.problems}, indent=2))
        for problem in error.problems:
            click.echo(problem, err=True)
        ctx.exit(2)
    triggers = [trigger.value for trigger in checked.triggers]
    approvers = sorted(checked.approvers)
    looks = _looks(checked) if live else {}
    if as_json:
        found: dict[str, Any] = {"name": checked.name, "rows": len(checked.matrix), "triggers": triggers, "approvers": approvers}
        found |= {"content_hash": checked.content_hash}
        found |= {"probes": {flag: [_look(look) for look in each] for flag, each in looks.items()}} if live else {}
        click.echo(json.dumps({"file": path, "is_valid": True, **found}, indent=2))
    else:
        click.echo(
            f"{path}: valid: {len(checked.matrix)} rows decide every case of {', '.join(triggers)}; "
            f"approvers {', '.join(approvers)}; hash {checked.content_hash[:12]}"
        )
        for flag, each in looks.items():
            for words in _live_words(checked, flag, each):
                click.echo(f"{flag}: {words}")
    ctx.exit(_exit_code([look for each in looks.values() for look in each]))


def _looks(checked: Policy) -> dict[str, list[ProbeLook]]:
    # Imported only here: a policy is checked where neither Airflow nor a database driver is installed.
    from ledger_guard import wiring  # noqa: PLC0415

    probes = wiring.flag_probes(checked)
    return {flag: probes.looks(flag) for flag in sorted(checked.flags)}


def _look(look: ProbeLook) -> dict[str, Any]:
    return {"fits": look.is_usable, "shows": look.shows, "says": look.words}


def _live_words(checked: Policy, flag: str, looks: list[ProbeLook]) -> list[str]:
    """One line per probe, and one for what the policy leaves out."""
    lines = [f"{_verdict(look)}: {look.words}" for look in looks]
    named = checked.probes.get(flag)
    missing = [] if named and named.instances else ["no instance probe"]
    missing += [] if named and named.canary else ["no canary"]
    return [*lines, *([f"names {' and '.join(missing)}: a change of it stays unconfirmed"] if missing else [])]


def _verdict(look: ProbeLook) -> str:
    if not look.is_usable:
        return "does not fit"
    return "shows nothing" if look.shows is None else f"fits, shows {on_or_off(look.shows)}"


def _exit_code(looks: list[ProbeLook]) -> int:
    if not all(look.is_usable for look in looks):
        return _UNFIT
    return _SHOWED_NOTHING if any(look.shows is None for look in looks) else 0
