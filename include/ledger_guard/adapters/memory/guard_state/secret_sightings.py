"""Since when secrets were seen, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.secrets import SecretSighting


class InMemorySecretSightingStore(Store):
    """SecretSightingStore over the tables of one transaction."""

    def see(self, secret_name: str, fingerprint: str, at: datetime) -> list[SecretSighting]:
        """See SecretSightingStore."""
        known = self._tables.sightings.get((secret_name, fingerprint)) or SecretSighting(secret_name, fingerprint, at, at)
        seen = replace(known, first_seen_at=min(known.first_seen_at, at), last_seen_at=max(known.last_seen_at, at))
        self._tables.sightings[secret_name, fingerprint] = seen
        found = [each for each in self._tables.sightings.values() if each.secret_name == secret_name]
        return sorted(found, key=lambda each: (each.first_seen_at, each.fingerprint))
