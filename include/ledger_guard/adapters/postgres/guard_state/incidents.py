"""Incidents in Postgres."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given
from ledger_guard.domain.errors import BadInputError, SafetyRefusal, StaleVersionError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.sql import statement


class PostgresIncidentStore:
    """IncidentStore; a changed incident is stored only over the version that was read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, incident_id: str) -> Incident:
        """See IncidentStore."""
        row = self._connection.execute(
            statement("guard/select_incident"), {"incident_id": checked_uuid(incident_id, "incident")}
        ).fetchone()
        if row is None:
            raise BadInputError(f"incident {incident_id}: does not exist; allowed: an id from `incident list --all`")
        return _incident(row)

    def open_for(self, trigger: Trigger) -> Incident | None:
        """See IncidentStore."""
        row = self._connection.execute(statement("guard/select_unresolved_incident"), {"trigger": trigger.value}).fetchone()
        return None if row is None else _incident(row)

    def listed(self, *, include_resolved: bool, limit: int = 100) -> list[Incident]:
        """See IncidentStore."""
        rows = self._connection.execute(
            statement("guard/select_incidents"), {"include_resolved": include_resolved, "limit": limit}
        ).fetchall()
        return [_incident(row) for row in rows]

    def add(self, incident: Incident) -> None:
        """See IncidentStore."""
        if self._connection.execute(statement("guard/insert_incident"), given(incident)).fetchone() is not None:
            return
        if self._connection.execute(statement("guard/select_incident"), {"incident_id": incident.incident_id}).fetchone():
            raise SafetyRefusal(f"incident {incident.incident_id}: exists already")
        raise _second_unresolved(incident)

    def save(self, incident: Incident) -> Incident:
        """See IncidentStore."""
        try:
            row = self._connection.execute(statement("guard/update_incident"), given(incident)).fetchone()
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


def _incident(row: Row) -> Incident:
    return Incident(
        **{
            **row,
            "incident_id": str(row["incident_id"]),
            "trigger": Trigger(row["trigger"]),
            "status": IncidentStatus(row["status"]),
            "severity": Severity(row["severity"]),
            "scope": Scope(row["scope"]),
            "tenants": tuple(row["tenants"]),
            "healthy_tenants": tuple(row["healthy_tenants"]),
        }
    )
