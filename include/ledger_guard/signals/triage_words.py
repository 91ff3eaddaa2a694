"""What triage found, for the questions that people are asked: a warning comes before everything else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Guard
from ledger_guard.signals.forged_calls import refused_calls_of
from ledger_guard.signals.signature_causes import forged_words
from ledger_guard.signals.triage_rules import SHORT_OF_FUNDS


def before_a_rollback(guard: Guard, incident_id: str, flag: str) -> str:
    """What speaks for or against rolling the flag back for an incident, to be put first; ends with a space, or is empty.

    T2 is looked at now, T1 as the newest triage left it. Raises BadInputError when there is no such incident.
    """
    with guard.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    if flag != guard.policy.triggers[incident.trigger].flag:
        return ""
    if incident.trigger is Trigger.WEBHOOK_SIGNATURE:
        return _of_webhooks(guard, incident)
    if incident.trigger is Trigger.INSUFFICIENT_FUNDS:
        return _of_funds(guard, incident_id)
    return ""


def before_a_backfill(guard: Guard, incident_id: str | None, tenant_id: str) -> str:
    """What triage found in a tenant of a T1 incident, to be put first; ends with a space, or is empty."""
    if incident_id is None:
        return ""
    with guard.state.transaction() as state:
        trigger = state.incidents.get(incident_id).trigger
    newest = _newest_triage(guard, incident_id) if trigger is Trigger.INSUFFICIENT_FUNDS else None
    if newest is None or tenant_id not in newest[1]["tenants"]:
        return ""
    at, detail = newest
    word = detail["tenants"][tenant_id]
    warning = "SHORT OF FUNDS: a backfill changes nothing for the players refused. " if word == SHORT_OF_FUNDS else ""
    return f"{warning}Triage at {iso(at)}: {word}. "


def _of_webhooks(guard: Guard, incident: Incident) -> str:
    try:
        refused = refused_calls_of(guard, incident)
    except SourceUnavailable as error:
        return f"Whether the refused calls are forged is not known: {error}. "
    if not refused.ids.refused:
        return ""
    words = forged_words(refused.finding) if refused.finding.is_forged else f"Genuine calls: {refused.finding.why}."
    ids = next(text for label, text in refused.as_facts() if label == "Known event ids")
    return f"{words} Event ids: {ids}. "


def _of_funds(guard: Guard, incident_id: str) -> str:
    newest = _newest_triage(guard, incident_id)
    if newest is None:
        return "Nobody has triaged this incident yet. "
    at, detail = newest
    words = set(detail["tenants"].values())
    warning = "SHORT OF FUNDS: do not roll back, it changes nothing for these players. " if words == {SHORT_OF_FUNDS} else ""
    return f"{warning}Triage at {iso(at)}: {str(detail['conclusion']).rstrip('.')}. "


def _newest_triage(guard: Guard, incident_id: str) -> tuple[datetime, Mapping[str, Any]] | None:
    found: tuple[datetime, Mapping[str, Any]] | None = None
    with guard.state.transaction() as state:
        for entry in state.audit.entries(incident_id=incident_id):
            if entry.event.verb == "triage":
                found = entry.event.at, entry.event.detail
    return found
