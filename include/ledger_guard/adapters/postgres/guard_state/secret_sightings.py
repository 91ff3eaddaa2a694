"""Since when secrets were seen, in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.secrets import SecretSighting


class PostgresSecretSightingStore(Store):
    """SecretSightingStore."""

    def see(self, secret_name: str, fingerprint: str, at: datetime) -> list[SecretSighting]:
        """See SecretSightingStore."""
        self._execute("guard/upsert_secret_sighting", secret_name=secret_name, fingerprint=fingerprint, seen_at=at)
        return self._all(SecretSighting, "guard/select_secret_sightings", secret_name=secret_name)
