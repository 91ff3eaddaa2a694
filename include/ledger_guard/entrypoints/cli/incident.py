"""`incident`: list, show and close incidents, and print their reports."""

from __future__ import annotations

import json
from typing import Any

import click

from ledger_guard import wiring
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.shown_text import listed
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.keyed import say_if_it_may_not_count
from ledger_guard.entrypoints.cli.person import by as by_option
from ledger_guard.use_cases.remediation.close_incident import close_incident
from ledger_guard.use_cases.reports.incident_record import IncidentRecord, incident_record
from ledger_guard.use_cases.reports.report import incident_report
from ledger_guard.use_cases.wake.acknowledge import acknowledge

#: most incidents that `list` prints
_LIST_AT_MOST = 1000


@click.group()
def incident() -> None:
    """List, show and close incidents, and print their reports."""


@incident.command("list")
@click.option("--all", "include_resolved", is_flag=True, help="Resolved incidents too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_incidents(include_resolved: bool, as_json: bool) -> None:
    """List incidents, newest first.

    \b
    Example:
      python -m ledger_guard incident list --all --json
    """  # noqa: D301
    with wiring.open_dependencies().state.snapshot() as state:
        found = state.incidents.listed(include_resolved=include_resolved, limit=_LIST_AT_MOST)
    if as_json:
        _print_json([json_form(each) for each in found])
        return
    for each in found:
        click.echo(f"{each.incident_id}  {_in_words(each)}")
    if not found:
        click.echo("no incidents" if include_resolved else "no unresolved incidents; --all shows the others")


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(incident_id: str, as_json: bool) -> None:
    """Show an incident and its records, in short; `report` shows everything.

    \b
    Example:
      python -m ledger_guard incident show 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --json
    """  # noqa: D301
    record = incident_record(wiring.open_dependencies(), incident_id)
    if as_json:
        _print_json(json_form(record))
        return
    for line in _lines(record):
        click.echo(line)


@incident.command()
@click.argument("incident_id", metavar="ID")
def report(incident_id: str) -> None:
    """Print the incident's report as Markdown: what happened, was decided, approved and written, and what is still open.

    \b
    Example:
      python -m ledger_guard incident report 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 > report.md
    """  # noqa: D301
    click.echo(incident_report(wiring.open_dependencies(), incident_id), nl=False)


@incident.command("acknowledge")
@click.argument("incident_id", metavar="ID")
@by_option("Who takes it.")
def acknowledge_incident(incident_id: str, by: str) -> None:
    """Take a severe incident: nobody else is called for it unless it gets worse. Closes and repairs nothing.

    Exit code 3 when somebody has taken it already.

    \b
    Example:
      python -m ledger_guard incident acknowledge 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --by anna
    """  # noqa: D301
    deps = wiring.open_dependencies()
    say_if_it_may_not_count(deps)
    click.echo(acknowledge(deps, incident_id, by, how="command line", is_proved=False))


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.option("--reason", required=True, help="Why it is over without evidence, in at least 10 characters.")
@by_option("Who closes it.")
@click.option("--false-alarm", is_flag=True, help="Nothing was wrong. The matrix rows that decided it fall back to propose.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def close(incident_id: str, reason: str, by: str, false_alarm: bool, as_json: bool) -> None:
    """Resolve an incident that no evidence will end, such as one of a tenant that left while in alarm.

    Refused (exit 3) while a tenant of the incident is in alarm in the newest judged window with data. Freezes stay, and started
    actions continue. Reason and name go to the audit log. A resolved incident can still be found a false alarm, once.

    \b
    Example:
      python -m ledger_guard incident close 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --reason "tenant-a left on 3 March" --by anna
    """  # noqa: D301
    closed, unfinished = close_incident(wiring.open_dependencies(), incident_id, reason, by, is_false_alarm=false_alarm)
    if as_json:
        _print_json({"incident": json_form(closed), "unfinished_actions": [json_form(each) for each in unfinished]})
        return
    click.echo(f"closed: incident {closed.incident_id}")
    for each in unfinished:
        click.echo(f"still running: {each.kind} {each.target}".rstrip(), err=True)


def _in_words(found: Incident) -> str:
    return (
        f"{found.trigger.value} {found.severity.value} {found.scope.value}  {found.status.value}  "
        f"opened {iso(found.opened_at)}  {listed(found.tenants, 3, sign='+')}"
    )


def _lines(record: IncidentRecord) -> list[str]:
    found = record.incident
    lines = [f"incident {found.incident_id}", _in_words(found), found.summary or "no summary"]
    lines.append(f"money     {record.money_at_risk}")
    lines += [f"action    {each.kind} {each.target}  {each.status.value}  {each.outcome}".rstrip() for each in record.actions]
    for each in record.approvals:
        answer = each.answer
        answered = f"{answer.answer.value} by {answer.answered_by or 'no one'}: {answer.reason}" if answer else "not answered"
        lines.append(f"approval  {each.request.kind.value} {each.request.subject_id}  {answered}")
    for change in record.flag_changes:
        lines.append(f"flag      {change.flag}@{change.tenant_id}  {change.to_value}  {change.status.value}")
    for freeze in record.freezes:
        lines.append(f"freeze    {freeze.flag}@{freeze.tenant_id}  {'active' if freeze.stands else 'lifted'}")
    for rotation in record.rotations:
        lines.append(f"rotation  {rotation.secret_name}  {'done' if rotation.done_at else f'due {iso(rotation.due_at)}'}")
    return lines


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
