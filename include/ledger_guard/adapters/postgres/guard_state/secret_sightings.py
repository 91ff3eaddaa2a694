"""Since when secrets were seen, in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.domain.secrets import SecretSighting
from ledger_guard.sql import statement


class PostgresSecretSightingStore:
    """SecretSightingStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def see(self, secret_name: str, fingerprint: str, at: datetime) -> list[SecretSighting]:
        """See SecretSightingStore."""
        seen = {"secret_name": secret_name, "fingerprint": fingerprint, "seen_at": at}
        self._connection.execute(statement("guard/upsert_secret_sighting"), seen)
        rows = self._connection.execute(statement("guard/select_secret_sightings"), {"secret_name": secret_name})
        return [SecretSighting(**row) for row in rows]
