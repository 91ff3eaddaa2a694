"""`rollout`: may a flag be enabled, what stands in the way, and recording that a secret was rotated."""

from __future__ import annotations

import json
from typing import Any

import click

from ledger_guard import wiring
from ledger_guard.domain.flags import EVERYWHERE, FlagState, Freeze, RotationPlan
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Guard
from ledger_guard.use_cases.complete_rotation import complete_rotation
from ledger_guard.use_cases.flag_proposal import scope_words
from ledger_guard.use_cases.freeze import standing_freezes

#: the exit code of a refusal by a safety rule
_REFUSED = 3


@click.group()
def rollout() -> None:
    """Look at the rollout's flags and freezes."""


@rollout.command()
@click.option("--flag", required=True, help="A flag of the policy.")
@click.option("--tenant-id", default=EVERYWHERE, show_default=True, help="One tenant; * asks for everyone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(context: click.Context, flag: str, tenant_id: str, as_json: bool) -> None:
    """Say whether a flag may be enabled: exit 0 when open, 3 when frozen.

    \b
    Example:
      python -m ledger_guard rollout check --flag ledger_enforce_balance --tenant-id tenant-a
    """  # noqa: D301  click needs the backspace character itself
    freezes = standing_freezes(wiring.open_guard(), flag, tenant_id)
    if as_json:
        _print_json(
            {
                "flag": flag,
                "tenant_id": tenant_id,
                "is_open": not freezes,
                "freezes": [_freeze(found) for found in freezes],
            }
        )
    elif not freezes:
        click.echo(f"open: {flag} is not frozen for {scope_words(tenant_id)}")
    else:
        for found in freezes:
            click.echo(f"frozen: {_freeze_words(found)}")
    if freezes:
        context.exit(_REFUSED)


@rollout.command()
@click.option("--rotation", "rotation_id", required=True, help="Id of a pending rotation, as `rollout status` shows it.")
@click.option("--by", required=True, help="Who rotated the secret.")
def rotated(rotation_id: str, by: str) -> None:
    """Record that a planned secret rotation has taken place.

    \b
    Example:
      python -m ledger_guard rollout rotated --rotation 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --by payments-lead
    """  # noqa: D301  click needs the backspace character itself
    plan = complete_rotation(wiring.open_guard(), rotation_id, by)
    click.echo(f"recorded: {plan.secret_name} of {plan.provider} was rotated by {by}")


@rollout.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """List flags with their values by scope, standing freezes, and pending rotations.

    \b
    Example:
      python -m ledger_guard rollout status --json
    """  # noqa: D301  click needs the backspace character itself
    found = _status(wiring.open_guard())
    if as_json:
        _print_json(found)
        return
    for flag in found["flags"]:
        values = ", ".join(_scope_words(scope) for scope in flag["scopes"]) or "not set (off)"
        click.echo(f"{flag['flag']}: {values}; {len(flag['freezes'])} freeze(s)")
        for frozen in flag["freezes"]:
            click.echo(f"  frozen for {scope_words(frozen['tenant_id'])} since {frozen['opened_at']}: {frozen['reason']}")
    for plan in found["rotations"]:
        click.echo(
            f"rotation {plan['rotation_id']}: {plan['secret_name']} of {plan['provider']}, {plan['owner']}, due {plan['due_at']}"
        )


def _status(guard: Guard) -> dict[str, Any]:
    with guard.state.transaction() as state:
        freezes, rotations = state.freezes.standing(), state.rotations.pending()
    flags = [
        {
            "flag": flag,
            "env_name": guard.policy.flags[flag].env_name,
            "scopes": [_scope(found) for found in guard.flags.scopes(flag)],
            "freezes": [_freeze(found) for found in freezes if found.flag == flag],
        }
        for flag in sorted(guard.policy.flags)
    ]
    return {"flags": flags, "rotations": [_rotation(plan) for plan in rotations]}


def _scope(found: FlagState) -> dict[str, Any]:
    return {"tenant_id": found.tenant_id, "is_enabled": found.is_enabled, "version": found.version}


def _scope_words(scope: dict[str, Any]) -> str:
    return f"{scope_words(scope['tenant_id'])} {'on' if scope['is_enabled'] else 'off'}"


def _freeze(found: Freeze) -> dict[str, Any]:
    return {
        "freeze_id": found.freeze_id,
        "tenant_id": found.tenant_id,
        "reason": found.reason,
        "incident_id": found.incident_id,
        "opened_by": found.opened_by,
        "opened_at": iso(found.opened_at),
        "lifted_by": _what_lifts(found),
    }


def _freeze_words(found: Freeze) -> str:
    cause = f"incident {found.incident_id}" if found.incident_id else "no incident"
    return (
        f"{found.flag} for {scope_words(found.tenant_id)} by {found.opened_by} since {iso(found.opened_at)}, {cause}: "
        f"{found.reason}; lifted by {_what_lifts(found)}"
    )


def _what_lifts(found: Freeze) -> str:
    incident = f", incident {found.incident_id}" if found.incident_id else " without an incident"
    return f"an approved run of flag_restore for {found.flag}@{found.tenant_id}{incident}, with its root cause"


def _rotation(plan: RotationPlan) -> dict[str, Any]:
    return {
        "rotation_id": plan.rotation_id,
        "provider": plan.provider,
        "secret_name": plan.secret_name,
        "incident_id": plan.incident_id,
        "owner": plan.owner,
        "due_at": iso(plan.due_at),
    }


def _print_json(found: dict[str, Any]) -> None:
    click.echo(json.dumps(found, indent=2))
