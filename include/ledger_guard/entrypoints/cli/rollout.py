"""`rollout`: whether a flag may be enabled, what blocks it, and the state of the secrets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import click

from ledger_guard import wiring
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.flags import EVERYWHERE, Freeze, on_or_off, scope_words
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.shown_text import duration
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.rollout_changes import end_override, freeze, plan_rotation, record_deploy, rotated
from ledger_guard.ports import Dependencies
from ledger_guard.signals.check_secrets import finding_words
from ledger_guard.signals.secret_ages import look_at_secrets
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand, overrides_that_count
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations
from ledger_guard.use_cases.flags.freeze import standing
from ledger_guard.use_cases.flags.standing_rollbacks import StandingRollback, standing_rollbacks

#: the exit code of a refusal by a safety rule
_REFUSED = 3
#: what `status` tells of a rotation
_ROTATION = ("rotation_id", "provider", "secret_name", "incident_id", "owner", "due_at", "overlap_hours", "steps")


@click.group()
def rollout() -> None:
    """Check the rollout's flags, freezes and secrets, and record what people do about them."""


@rollout.command()
@click.option("--flag", required=True, help="A flag of the policy.")
@click.option("--tenant-id", default=EVERYWHERE, show_default=True, help="One tenant; * for everyone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(context: click.Context, flag: str, tenant_id: str, as_json: bool) -> None:
    """Check whether a flag may be enabled: exit 0 when open, 3 when frozen.

    An active override opens it for its tenant; the freeze stays active. If the flag or its store has one value for everyone, a
    tenant gets the answer for everyone.

    \b
    Example:
      python -m ledger_guard rollout check --flag ledger_enforce_balance --tenant-id tenant-a
    """  # noqa: D301  click needs the backspace character itself
    found = standing(wiring.open_dependencies(), flag, tenant_id)
    if as_json:
        _print_json(
            {
                "flag": flag,
                "tenant_id": tenant_id,
                "is_open": found.is_open,
                "freezes": [_freeze(each) for each in found.freezes],
                "overrides": [json_form(each) for each in found.overrides],
            }
        )
    else:
        for frozen in found.freezes:
            click.echo(f"frozen: {_freeze_words(frozen)}")
        for each in found.overrides:
            click.echo(f"open: {_override_words(each)}")
        if not found.freezes:
            click.echo(f"open: {flag} is not frozen for {scope_words(tenant_id)}")
    if not found.is_open:
        context.exit(_REFUSED)


@rollout.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def secrets(as_json: bool) -> None:
    """Check the webhook secrets of the policy: presence, fingerprint, age, problems. Never a value.

    \b
    Example:
      python -m ledger_guard rollout secrets --json
    """  # noqa: D301
    findings = look_at_secrets(wiring.open_dependencies())
    if as_json:
        _print_json({"secrets": [json_form(finding) for finding in findings]})
        return
    for finding in findings:
        click.echo(f"{finding.name} of {finding.provider}: {finding_words(finding)}")


for _command in (freeze, end_override, plan_rotation, rotated, record_deploy):
    rollout.add_command(_command)


@rollout.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """List flags with their values by scope, active freezes, overrides and rollbacks, and pending rotations.

    \b
    Example:
      python -m ledger_guard rollout status --json
    """  # noqa: D301  click needs the backspace character itself
    found = _status(wiring.open_dependencies())
    if as_json:
        _print_json(found)
        return
    for flag in found["flags"]:
        values = ", ".join(_scope_words(scope) for scope in flag["scopes"])
        if flag["not_known_because"]:
            values = ", ".join(filter(None, [f"everyone not known ({flag['not_known_because']})", values]))
        values = values or "not set (off)"
        click.echo(f"{flag['flag']}: {values}; {len(flag['freezes'])} freeze(s)")
        for frozen in flag["freezes"]:
            click.echo(f"  frozen for {scope_words(frozen['tenant_id'])} since {frozen['opened_at']}: {frozen['reason']}")
        for each in flag["rolled_back"]:
            lasts = duration(timedelta(seconds=each["seconds"]))
            again = "; enabled again past the guard" if each.get("is_enabled_again") else ""
            click.echo(f"  rolled back for {scope_words(each['tenant_id'])} since {each['since']}, for {lasts}{again}")
        for each in flag["overrides"]:
            click.echo(
                f"  override {each['override_id']} for {scope_words(each['tenant_id'])} until {each['expires_at']} "
                f"by {each['granted_by']}: {each['reason']}"
            )
    for plan in found["rotations"]:
        click.echo(
            f"rotation {plan['rotation_id']}: {plan['secret_name']} of {plan['provider']}, {plan['owner']}, due {plan['due_at']}"
        )


def _status(deps: Dependencies) -> dict[str, Any]:
    now, rollbacks = deps.wall_clock.now(), standing_rollbacks(deps)
    with deps.state.transaction() as state:
        freezes, rotations = freezes_that_stand(deps, state), pending_rotations(state)
        overrides = overrides_that_count(state, now)
    flags = [
        {
            "flag": flag,
            "env_name": deps.policy.flags[flag].env_name,
            "scopes": [json_form(found, "tenant_id", "is_enabled", "version") for found in deps.flags.scopes(flag)],
            "not_known_because": deps.flags.get(flag, EVERYWHERE).not_known_because,
            "freezes": [_freeze(found) for found in freezes if found.flag == flag],
            "rolled_back": [_rollback(found, now) for found in rollbacks if found.change.flag == flag],
            "overrides": [json_form(found) for found in overrides if found.flag == flag],
        }
        for flag in sorted(deps.policy.flags)
    ]
    return {"flags": flags, "rotations": [json_form(plan, *_ROTATION) for plan in rotations]}


def _scope_words(scope: dict[str, Any]) -> str:
    return f"{scope_words(scope['tenant_id'])} {on_or_off(scope['is_enabled'], 'off')}"


def _rollback(found: StandingRollback, now: datetime) -> dict[str, Any]:
    change = found.change
    again = {"is_enabled_again": True} if found.is_enabled_again else {}
    lasts = int(found.lasts(now).total_seconds())
    return {"tenant_id": change.tenant_id, "since": iso(change.changed_at), "seconds": lasts, **again}


def _override_words(found: FreezeOverride) -> str:
    return (
        f"{found.flag} for {scope_words(found.tenant_id)} by override of {found.granted_by} until {iso(found.expires_at)}: "
        f"{found.reason}; an approved run of flag_restore is still needed"
    )


def _freeze(found: Freeze) -> dict[str, Any]:
    told = json_form(found, "freeze_id", "tenant_id", "reason", "incident_id", "opened_by", "opened_at")
    return {**told, "lifted_by": _what_lifts(found)}


def _freeze_words(found: Freeze) -> str:
    cause = f"incident {found.incident_id}" if found.incident_id else "no incident"
    return (
        f"{found.flag} for {scope_words(found.tenant_id)} by {found.opened_by} since {iso(found.opened_at)}, {cause}: "
        f"{found.reason}{f' ({found.doubt})' if found.doubt else ''}; lifted by {_what_lifts(found)}"
    )


def _what_lifts(found: Freeze) -> str:
    incident = f", incident {found.incident_id}" if found.incident_id else " without an incident"
    return f"an approved run of flag_restore for {found.flag}@{found.tenant_id}{incident}, with its root cause"


def _print_json(found: dict[str, Any]) -> None:
    click.echo(json.dumps(found, indent=2))
