"""Incidents and their actions in memory."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.adapters.flag_stores.store_rules import plain_json
from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError, SafetyRefusal, StaleVersionError
from ledger_guard.domain.incidents import Action, ActionStatus, Incident
from ledger_guard.domain.signals import Trigger


class InMemoryIncidentStore(Store):
    """IncidentStore over the tables of one transaction."""

    def get(self, incident_id: str) -> Incident:
        """See IncidentStore."""
        self._tables.require_incident(incident_id)
        return self._tables.incidents[incident_id]

    def open_for(self, trigger: Trigger) -> Incident | None:
        """See IncidentStore."""
        return next((each for each in self._tables.incidents.values() if each.trigger == trigger and not each.is_over), None)

    def listed(self, *, include_resolved: bool, limit: int = 100) -> list[Incident]:
        """See IncidentStore."""
        newest_last = reversed(list(self._tables.incidents.values()))
        found = sorted(newest_last, key=lambda each: each.opened_at, reverse=True)
        return [each for each in found if include_resolved or not each.is_over][:limit]

    def add(self, incident: Incident) -> None:
        """See IncidentStore."""
        if incident.incident_id in self._tables.incidents:
            raise SafetyRefusal(f"incident {incident.incident_id}: exists already")
        self._require_only_one(incident)
        self._tables.incidents[incident.incident_id] = incident

    def save(self, incident: Incident) -> Incident:
        """See IncidentStore."""
        stored = self.get(incident.incident_id)
        if stored.version != incident.version:
            raise StaleVersionError(f"incident {incident.incident_id}: was saved by another since it was read; read it again")
        self._require_only_one(incident)
        saved = replace(incident, version=incident.version + 1)
        self._tables.incidents[incident.incident_id] = saved
        return saved

    def _require_only_one(self, incident: Incident) -> None:
        other = self.open_for(incident.trigger)
        if not incident.is_over and other is not None and other.incident_id != incident.incident_id:
            raise SafetyRefusal(f"trigger {incident.trigger.value}: has an incident that is not resolved already")


class InMemoryActionStore(Store):
    """ActionStore over the tables of one transaction."""

    def start(self, action: Action) -> Action:
        """See ActionStore."""
        self._tables.require_incident(action.incident_id)
        if action.action_id in self._tables.actions:
            return self._tables.actions[action.action_id]
        for each in self._tables.actions.values():
            is_same = (each.incident_id, each.kind, each.target) == (action.incident_id, action.kind, action.target)
            if is_same and each.status is ActionStatus.STARTED and action.status is ActionStatus.STARTED:
                return each
        stored = replace(action, detail=plain_json(action.detail))
        self._tables.actions[action.action_id] = stored
        return stored

    def finish(self, action: Action) -> None:
        """See ActionStore."""
        stored = self._tables.actions.get(action.action_id)
        if stored is None:
            raise BadInputError(f"action {action.action_id}: does not exist; allowed: an action that was started")
        self._tables.actions[action.action_id] = replace(
            stored,
            status=action.status,
            finished_at=action.finished_at,
            run_id=action.run_id,
            outcome=action.outcome,
            detail=plain_json(action.detail),
        )

    def of_incident(self, incident_id: str) -> list[Action]:
        """See ActionStore."""
        found = [each for each in self._tables.actions.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: each.started_at)
