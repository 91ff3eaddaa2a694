"""Incidents in Postgres."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError, SafetyRefusal, StaleVersionError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger


class PostgresIncidentStore(Store):
    """IncidentStore; a changed incident is stored only over the version that was read."""

    def get(self, incident_id: str) -> Incident:
        """See IncidentStore."""
        incident = self._one(Incident, "guard/select_incident", incident_id=checked_uuid(incident_id, "incident"))
        if incident is None:
            raise BadInputError(f"incident {incident_id}: does not exist; allowed: an id from `incident list --all`")
        return incident

    def open_for(self, trigger: Trigger) -> Incident | None:
        """See IncidentStore."""
        return self._one(Incident, "guard/select_unresolved_incident", trigger=trigger.value)

    def listed(self, *, include_resolved: bool, limit: int = 100) -> list[Incident]:
        """See IncidentStore."""
        return self._all(Incident, "guard/select_incidents", include_resolved=include_resolved, limit=limit)

    def add(self, incident: Incident) -> None:
        """See IncidentStore."""
        if self._row("guard/insert_incident", **given(incident)) is not None:
            return
        if self._row("guard/select_incident", incident_id=incident.incident_id):
            raise SafetyRefusal(f"incident {incident.incident_id}: exists already")
        raise _second_unresolved(incident)

    def save(self, incident: Incident) -> Incident:
        """See IncidentStore."""
        try:
            row = self._row("guard/update_incident", **given(incident))
        except psycopg.errors.UniqueViolation as error:
            # Another one was opened at this very moment; the statement's own check finds those opened before.
            raise _second_unresolved(incident) from error
        if row is None:
            if self.get(incident.incident_id).version == incident.version:
                raise _second_unresolved(incident)
            raise StaleVersionError(f"incident {incident.incident_id}: was saved by another since it was read; read it again")
        return replace(incident, version=row["version"])


def _second_unresolved(incident: Incident) -> SafetyRefusal:
    return SafetyRefusal(f"trigger {incident.trigger.value}: has an incident that is not resolved already")
