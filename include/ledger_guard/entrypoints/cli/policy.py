"""`policy check`: is the policy file in order, and do its probes fit the platform?"""

from __future__ import annotations

import json
from typing import Any

import click

from ledger_guard.domain.errors import PolicyError
from ledger_guard.domain.flags import ProbeLook, on_or_off
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.policy.schema import Policy

#: exit code of a probe whose form does not fit, as of a policy that is not in order
_UNFIT = 2
#: exit code of a probe that fits and showed nothing
_SHOWED_NOTHING = 1


@click.group()
def policy() -> None:
    """Check the policy file."""


@policy.command()
@click.argument("file", required=False, type=click.Path())
@click.option("--live", is_flag=True, help="Ask the instances and send the canaries of `probes`, and say which of them fit.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@click.pass_context
def check(ctx: click.Context, file: str | None, live: bool, as_json: bool) -> None:
    """Check FILE: every problem is told, one line each, with its place and what is allowed there.

    Without FILE the policy in force is checked: the one that LEDGER_GUARD_POLICY names, else the shipped one.
    Exits with 0 when it is in order and with 2 when it is not.

    With --live the platform is asked as after a change of a flag: a canary withdrawal is a real request of the player kept for
    it. Exits with 2 when the platform does not take a probe as it is, with 1 when one got no answer or shows neither on nor off.

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
    approvers = sorted({name for approval in checked.approvals.values() for name in approval.approvers})
    looks = _looks(checked) if live else {}
    if as_json:
        found: dict[str, Any] = {"name": checked.name, "rows": len(checked.matrix), "triggers": triggers, "approvers": approvers}
        found |= {"content_hash": checked.content_hash}
        found |= {"probes": {flag: [_look(look) for look in each] for flag, each in looks.items()}} if live else {}
        click.echo(json.dumps({"file": path, "is_valid": True, **found}, indent=2))
    else:
        click.echo(
            f"{path}: in order: {len(checked.matrix)} rows decide every case of {', '.join(triggers)}; "
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
    """A line a probe, and one for what the policy leaves out."""
    lines = [f"{_verdict(look)}: {look.words}" for look in looks]
    named = checked.probes.get(flag)
    missing = [] if named and named.instances else ["no probe of the instances"]
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
