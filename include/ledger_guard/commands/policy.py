"""`policy check`: is the policy file in order?"""

from __future__ import annotations

import json

import click

from ledger_guard.domain.errors import PolicyError
from ledger_guard.policy.loader import load_policy, policy_path


@click.group()
def policy() -> None:
    """Check the policy file."""


@policy.command()
@click.argument("file", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@click.pass_context
def check(ctx: click.Context, file: str | None, as_json: bool) -> None:
    """Check FILE: every problem is told, one line each, with its place and what is allowed there.

    Without FILE the policy in force is checked: the one that LEDGER_GUARD_POLICY names, else the shipped one.
    Exits with 0 when it is in order and with 2 when it is not.

    \b
    Examples:
      python -m ledger_guard policy check
      python -m ledger_guard policy check include/policies/ledger_rollout.yaml --json
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
    if as_json:
        found = {"name": checked.name, "rows": len(checked.matrix), "triggers": triggers, "approvers": approvers}
        click.echo(json.dumps({"file": path, "is_valid": True, **found, "content_hash": checked.content_hash}, indent=2))
        return
    click.echo(
        f"{path}: in order: {len(checked.matrix)} rows decide every case of {', '.join(triggers)}; "
        f"approvers {', '.join(approvers)}; hash {checked.content_hash[:12]}"
    )
