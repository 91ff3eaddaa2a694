"""Flag changes, freezes and secret rotations in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_no_overlap, require_root_cause
from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan


class InMemoryFlagChangeStore(Store):
    """FlagChangeStore over the tables of one transaction."""

    def add(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        self._tables.require_incident(change.incident_id)
        if change.change_id in self._tables.flag_changes:
            return
        if change.approval_id not in self._tables.approvals:
            raise BadInputError(f"approval {change.approval_id}: does not exist; allowed: the id of a question that was asked")
        used = self.of_approval(change.approval_id)
        if used is not None:
            raise SafetyRefusal(f"approval {change.approval_id}: was used already, for change {used.change_id}")
        self._tables.flag_changes[change.change_id] = change

    def save(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        stored = self._tables.flag_changes.get(change.change_id)
        if stored is None:
            raise BadInputError(f"flag change {change.change_id}: does not exist; allowed: a change that was recorded")
        self._tables.flag_changes[change.change_id] = replace(
            stored, status=change.status, confirmed_at=change.confirmed_at, finding=change.finding
        )

    def of_approval(self, approval_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        return next((each for each in self._tables.flag_changes.values() if each.approval_id == approval_id), None)

    def latest(self, flag: str, tenant_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        newest_last = reversed(list(self._tables.flag_changes.values()))
        found = [each for each in newest_last if (each.flag, each.tenant_id) == (flag, tenant_id)]
        return max(found, key=lambda each: each.changed_at) if found else None

    def of_incident(self, incident_id: str) -> list[FlagChange]:
        """See FlagChangeStore."""
        found = [each for each in self._tables.flag_changes.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: each.changed_at)


class InMemoryFreezeStore(Store):
    """FreezeStore over the tables of one transaction."""

    def add(self, freeze: Freeze) -> Freeze:
        """See FreezeStore."""
        self._tables.require_incident(freeze.incident_id)
        for each in self._tables.freezes.values():
            is_same = (each.flag, each.tenant_id, each.incident_id) == (freeze.flag, freeze.tenant_id, freeze.incident_id)
            if is_same and each.stands:
                return each
        self._tables.freezes[freeze.freeze_id] = freeze
        return freeze

    def get(self, freeze_id: str) -> Freeze:
        """See FreezeStore."""
        if freeze_id not in self._tables.freezes:
            raise BadInputError(f"freeze {freeze_id}: does not exist; allowed: the id of a freeze that was opened")
        return self._tables.freezes[freeze_id]

    def standing(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        found = [each for each in self._tables.freezes.values() if each.stands and flag in (None, each.flag)]
        return sorted(found, key=lambda each: each.opened_at)

    def lift(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        stored = self.get(freeze.freeze_id)
        if not stored.stands:
            raise SafetyRefusal(f"freeze {freeze.freeze_id} of {stored.flag}: was lifted already, by {stored.lifted_by}")
        self._tables.freezes[freeze.freeze_id] = replace(
            stored,
            lifted_at=freeze.lifted_at,
            lifted_by=freeze.lifted_by,
            root_cause=freeze.root_cause,
            root_cause_link=freeze.root_cause_link,
            root_cause_owner=freeze.root_cause_owner,
            root_cause_by=freeze.root_cause_by,
        )

    def recorded(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        found = [each for each in self._tables.freezes.values() if flag in (None, each.flag)]
        return sorted(found, key=lambda each: each.opened_at)

    def set_right(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        self._tables.freezes[freeze.freeze_id] = freeze

    def of_incident(self, incident_id: str) -> list[Freeze]:
        """See FreezeStore."""
        found = [each for each in self._tables.freezes.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: each.opened_at)


class InMemoryRotationStore(Store):
    """RotationStore over the tables of one transaction."""

    def add(self, rotation: RotationPlan) -> RotationPlan:
        """See RotationStore."""
        self._tables.require_incident(rotation.incident_id)
        for each in self._tables.rotations.values():
            if each.secret_name == rotation.secret_name and each.done_at is None:
                return each
        require_no_overlap(rotation, self.last_done(rotation.secret_name))
        self._tables.rotations[rotation.rotation_id] = rotation
        return rotation

    def pending(self, incident_id: str | None = None) -> list[RotationPlan]:
        """See RotationStore."""
        found = [
            each for each in self._tables.rotations.values() if each.done_at is None and incident_id in (None, each.incident_id)
        ]
        return sorted(found, key=lambda each: each.planned_at)

    def done(self, rotation_id: str, by: str, at: datetime) -> None:
        """See RotationStore."""
        stored = self._tables.rotations.get(rotation_id)
        if stored is None:
            raise BadInputError(f"rotation {rotation_id}: does not exist; allowed: the id of a rotation that was planned")
        if stored.done_at is not None:
            raise SafetyRefusal(f"rotation {rotation_id} of {stored.secret_name}: was done already, by {stored.done_by}")
        self._tables.rotations[rotation_id] = replace(stored, done_at=at, done_by=by)

    def of_incident(self, incident_id: str) -> list[RotationPlan]:
        """See RotationStore."""
        found = [each for each in self._tables.rotations.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: each.planned_at)

    def last_done(self, secret_name: str) -> RotationPlan | None:
        """See RotationStore."""
        done = [
            (each.done_at, each) for each in self._tables.rotations.values() if each.secret_name == secret_name and each.done_at
        ]
        return max(done, key=lambda pair: pair[0])[1] if done else None
