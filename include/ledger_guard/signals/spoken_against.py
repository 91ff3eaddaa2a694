"""What speaks against a repair as things are now: webhooks that are likely forged, players who are short of funds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports import Guard
from ledger_guard.signals.forged_calls import refused_calls_of
from ledger_guard.signals.triage import triage_of
from ledger_guard.signals.triage_rules import SHORT_OF_FUNDS

FORGED = "refused webhooks are likely forged, and a rollback would accept them"
SHORT = "players are short of funds, and neither a rollback nor a backfill changes that"

#: tenants in which a repair would help nobody, with the reason
Against = Mapping[str, str]


def spoken_against(guard: Guard, incident: Incident) -> Against:
    """The tenants of an incident, stored or not, in which triage speaks against a repair as things are now, with the reason.

    Raises SourceUnavailable where a source does not answer: nothing may be concluded.
    """
    look = LOOKS.get(incident.trigger)
    return {} if look is None else look(guard, incident)


def _look_for_forgery(guard: Guard, incident: Incident) -> Against:
    is_forged = refused_calls_of(guard, incident).finding.is_forged
    return dict.fromkeys(incident.tenants, FORGED) if is_forged else {}


def _look_for_funds(guard: Guard, incident: Incident) -> Against:
    found = triage_of(guard, incident).tenants
    return {tenant.tenant_id: SHORT for tenant in found if tenant.word == SHORT_OF_FUNDS}


LOOKS: Mapping[Trigger, Callable[[Guard, Incident], Against]] = {
    Trigger.INSUFFICIENT_FUNDS: _look_for_funds,
    Trigger.WEBHOOK_SIGNATURE: _look_for_forgery,
}
