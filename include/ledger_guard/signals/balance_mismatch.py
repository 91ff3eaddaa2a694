"""Balance mismatch: players whose wallet differs from the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import BackfillMode, PlanRow
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Comparison
from ledger_guard.signals.signal import COMMON_ACTIONS, RestoreNeeds, Signal, Topics
from ledger_guard.signals.triage_report import TenantTriage, TriageReport, reported


class BalanceMismatch(Signal):
    """Wallets that differ."""

    name = "balance_mismatch"
    nouns = Nouns("differing wallets", "wallets", "players")
    sources = frozenset({"balance_comparison"})
    actions = COMMON_ACTIONS
    restore_needs = RestoreNeeds(wallets_compared=True, rotations_done=False)

    def faults_of_row(self, trigger: str, severity: Severity, actions: Sequence[str]) -> Iterator[str]:
        """See Signal. The runbook stops the rollout when balances drift apart."""
        yield from super().faults_of_row(trigger, severity, actions)
        if severity is Severity.SEVERE and "freeze" not in actions:
            yield f"no freeze in a severe {trigger} row; allowed: with freeze (the runbook stops the rollout)"

    def review_topics(self, described: TriggerPolicy) -> Topics:  # noqa: ARG002
        """See Signal."""
        return (
            (
                "Backfill strategy",
                "which writer changes only one of the two balances? Will the wallets drift again after a backfill?",
            ),
            (
                "Operations and engineering inquiry",
                "what is the root cause? The flag stays frozen until it is written down.",
            ),
        )

    def triage(self, deps: Dependencies, incident: Incident) -> TriageReport:
        """See Signal: what differs now, by cause, and by how much."""
        at_most, currency = deps.policy.notification.list_at_most, deps.policy.platform.currency
        looked_at = incident.tenants[: deps.policy.guardrails.max_tenants_per_incident]
        compared = [deps.ledger.compare(tenant, BackfillMode.FORCE) for tenant in looked_at]
        tenants = tuple(difference_by_cause(comparison, at_most, currency) for comparison in compared)
        beyond = incident.tenants[len(looked_at) :]
        facts = (("Not checked, over the tenant limit", ", ".join(beyond)),) if beyond else ()
        return reported(incident, "What differs between Player and WalletBalance, and why?", tenants, facts)


def difference_by_cause(comparison: Comparison, list_at_most: int, currency: str) -> TenantTriage:
    """How many players differ, why, and which differ most."""
    counts = comparison.counts
    causes = {cause.value: getattr(counts, cause.value) for cause in RowCause if cause is not RowCause.PROTECTED}
    largest = sorted(comparison.rows, key=lambda row: (-abs(row.delta), row.player_id))[:list_at_most]
    found = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in causes.items() if count)
    word = max(causes, key=lambda cause: causes[cause]).replace("_", " ") if found else "no difference"
    text = f"{found} of {comparison.players} players" if found else f"0 of {comparison.players} players differ now"
    if counts.protected:
        text += f"; {counts.protected} right (only the player row differs)"
    figures = {**causes, "protected": counts.protected, "players": comparison.players, "float_noise": counts.float_noise}
    return TenantTriage(comparison.tenant_id, word, text, tuple(_difference(row, currency) for row in largest), figures)


def _difference(row: PlanRow, currency: str) -> str:
    cause = row.cause.value.replace("_", " ")
    return f"{one_line(row.player_id)}: {cause}, a backfill would change it by {readable(row.delta, currency)}"
