"""What comparisons of balances leave for the next ones, in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.comparisons import LastComparison
from ledger_guard.domain.signals import Trigger


class PostgresComparisonStore(Store):
    """ComparisonStore; of the players only the differences are written."""

    def last(self, trigger: Trigger) -> LastComparison | None:
        """See ComparisonStore."""
        found = self._row("guard/select_comparison", trigger=trigger.value)
        if found is None:
            return None
        rows = self._execute("guard/select_standing_mismatches", trigger=trigger.value)
        return LastComparison(**found, mismatched=frozenset((row["tenant_id"], row["player_id"]) for row in rows))

    def keep(self, trigger: Trigger, comparison: LastComparison) -> None:
        """See ComparisonStore."""
        columns = {name: column for name, column in given(comparison).items() if name != "mismatched"}
        self._execute("guard/upsert_comparison", trigger=trigger.value, **columns)
        keys = sorted(comparison.mismatched)
        players = {"tenants": [tenant for tenant, _ in keys], "players": [player for _, player in keys]}
        self._execute("guard/delete_ended_mismatches", trigger=trigger.value, **players)
        self._execute("guard/insert_standing_mismatches", trigger=trigger.value, **players)
