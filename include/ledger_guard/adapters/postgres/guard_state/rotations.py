"""Plans to rotate secrets, in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_no_overlap
from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.domain.identifiers import checked_uuid


class PostgresRotationStore(Store):
    """RotationStore; a secret has at most one pending rotation."""

    def add(self, rotation: RotationPlan) -> RotationPlan:
        """See RotationStore."""
        self._queue_for(rotation.secret_name)
        if self._pending_of(rotation.secret_name) is None:
            require_no_overlap(rotation, self.last_done(rotation.secret_name))
        if self._row("guard/insert_rotation", **given(rotation)) is not None:
            return rotation
        pending = self._pending_of(rotation.secret_name)
        if pending is None:
            raise LedgerInvariantError(f"rotation of {rotation.secret_name}: ended while it was being planned; plan it again")
        return pending

    def pending(self, incident_id: str | None = None) -> list[RotationPlan]:
        """See RotationStore."""
        key = None if incident_id is None else checked_uuid(incident_id, "incident")
        return self._all(RotationPlan, "guard/select_pending_rotations", incident_id=key)

    def done(self, rotation_id: str, by: str, at: datetime) -> None:
        """See RotationStore."""
        key = {"rotation_id": checked_uuid(rotation_id, "rotation")}
        rotation = self._one(RotationPlan, "guard/select_rotation", **key)
        if rotation is None:
            raise BadInputError(f"rotation {rotation_id}: does not exist; allowed: the id of a rotation that was planned")
        self._queue_for(rotation.secret_name)
        if self._row("guard/update_rotation_done", **key, done_by=by, done_at=at) is not None:
            return
        rotation = self._one(RotationPlan, "guard/select_rotation", **key) or rotation
        raise SafetyRefusal(f"rotation {rotation_id} of {rotation.secret_name}: was done already, by {rotation.done_by}")

    def of_incident(self, incident_id: str) -> list[RotationPlan]:
        """See RotationStore."""
        return self._all(RotationPlan, "guard/select_rotations_of_incident", incident_id=checked_uuid(incident_id, "incident"))

    def last_done(self, secret_name: str) -> RotationPlan | None:
        """See RotationStore."""
        return self._one(RotationPlan, "guard/select_last_rotation_done", secret_name=secret_name)

    def _queue_for(self, secret_name: str) -> None:
        """Wait until nobody else plans or ends a rotation of this secret: what is read next still holds at the write."""
        self._execute("guard/lock_rotations_of_secret", secret_name=secret_name)

    def _pending_of(self, secret_name: str) -> RotationPlan | None:
        return self._one(RotationPlan, "guard/select_pending_rotation", secret_name=secret_name)
