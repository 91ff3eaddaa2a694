"""Plans to rotate secrets, in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_no_overlap
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given, optional_text
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement


class PostgresRotationStore:
    """RotationStore; a secret has at most one pending rotation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rotation: RotationPlan) -> RotationPlan:
        """See RotationStore."""
        parameters = given(rotation)
        self._queue_for(rotation.secret_name)
        if self._pending_of(rotation.secret_name) is None:
            require_no_overlap(rotation, self.last_done(rotation.secret_name))
        if self._connection.execute(statement("guard/insert_rotation"), parameters).fetchone() is not None:
            return rotation
        pending = self._pending_of(rotation.secret_name)
        if pending is None:
            raise LedgerInvariantError(f"rotation of {rotation.secret_name}: ended while it was being planned; plan it again")
        return pending

    def pending(self, incident_id: str | None = None) -> list[RotationPlan]:
        """See RotationStore."""
        key = {"incident_id": None if incident_id is None else checked_uuid(incident_id, "incident")}
        rows = self._connection.execute(statement("guard/select_pending_rotations"), key).fetchall()
        return [_rotation(row) for row in rows]

    def done(self, rotation_id: str, by: str, at: datetime) -> None:
        """See RotationStore."""
        key = {"rotation_id": checked_uuid(rotation_id, "rotation")}
        row = self._connection.execute(statement("guard/select_rotation"), key).fetchone()
        if row is None:
            raise BadInputError(f"rotation {rotation_id}: does not exist; allowed: the id of a rotation that was planned")
        self._queue_for(row["secret_name"])
        parameters = {**key, "done_by": by, "done_at": at}
        if self._connection.execute(statement("guard/update_rotation_done"), parameters).fetchone() is not None:
            return
        row = self._connection.execute(statement("guard/select_rotation"), key).fetchone() or row
        raise SafetyRefusal(f"rotation {rotation_id} of {row['secret_name']}: was done already, by {row['done_by']}")

    def of_incident(self, incident_id: str) -> list[RotationPlan]:
        """See RotationStore."""
        key = {"incident_id": checked_uuid(incident_id, "incident")}
        return [
            _rotation(row) for row in self._connection.execute(statement("guard/select_rotations_of_incident"), key).fetchall()
        ]

    def last_done(self, secret_name: str) -> RotationPlan | None:
        """See RotationStore."""
        row = self._connection.execute(statement("guard/select_last_rotation_done"), {"secret_name": secret_name}).fetchone()
        return None if row is None else _rotation(row)

    def _queue_for(self, secret_name: str) -> None:
        """Wait until nobody else plans or ends a rotation of this secret: what is read next still holds at the write."""
        self._connection.execute(statement("guard/lock_rotations_of_secret"), {"secret_name": secret_name})

    def _pending_of(self, secret_name: str) -> RotationPlan | None:
        row = self._connection.execute(statement("guard/select_pending_rotation"), {"secret_name": secret_name}).fetchone()
        return None if row is None else _rotation(row)


def _rotation(row: Row) -> RotationPlan:
    return RotationPlan(
        **{
            **row,
            "rotation_id": str(row["rotation_id"]),
            "incident_id": optional_text(row["incident_id"]),
            "steps": tuple(row["steps"]),
        }
    )
