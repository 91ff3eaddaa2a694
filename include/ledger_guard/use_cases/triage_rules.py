"""The runbook's questions answered for one tenant: rules over figures, without reading anything."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import PlanRow
from ledger_guard.ports import AffectedSubject, Comparison
from ledger_guard.use_cases.triage_report import TenantTriage

BACKFILL_FAULT = "backfill fault"
SHORT_OF_FUNDS = "short of funds"
MIXED = "part backfill fault, part short of funds"
NOT_KNOWN = "not known"
#: from this share of the refused players on the backfill is at fault
_FAULT_SHARE = 0.5


def funds_or_fault(tenant_id: str, subjects: Sequence[AffectedSubject], list_at_most: int, currency: str) -> TenantTriage:
    """T1: are the refused players' funds really short, or is the wallet behind the player row?

    A wallet that is missing counts as empty, as the platform counts it.
    """
    known = [subject for subject in subjects if subject.player_available is not None]
    behind = [subject for subject in known if _is_behind(subject)]
    figures = {"refused_players": len(subjects), "known_players": len(known), "wallet_behind": len(behind)}
    ordered = sorted(subjects, key=lambda subject: (subject not in behind, -subject.events, subject.subject_id))
    listed = tuple(_funds(subject, currency) for subject in ordered[:list_at_most])
    if not known:
        why = "the log names no players" if not subjects else "the platform knows none of the refused players"
        return TenantTriage(tenant_id, NOT_KNOWN, f"{NOT_KNOWN}: {why}", listed, figures)
    share = len(behind) / len(known)
    counted = f"{len(behind)} of {len(known)} refused players have less in the wallet than in their player row ({share:.0%})"
    word = BACKFILL_FAULT if share >= _FAULT_SHARE else MIXED if behind else SHORT_OF_FUNDS
    return TenantTriage(tenant_id, word, f"{word}: {counted}", listed, {**figures, "share_behind": round(share, 4)})


def _is_behind(subject: AffectedSubject) -> bool:
    return subject.player_available is not None and (subject.wallet_available or 0) < subject.player_available


def _funds(subject: AffectedSubject, currency: str) -> str:
    player = "no player row" if subject.player_available is None else f"player {readable(subject.player_available, currency)}"
    wallet = "no wallet" if subject.wallet_available is None else f"wallet {readable(subject.wallet_available, currency)}"
    return f"{subject.subject_id}: {subject.events} refusal(s), {player}, {wallet}"


def difference_by_cause(comparison: Comparison, list_at_most: int, currency: str) -> TenantTriage:
    """T3: how many players differ, why, and which differ most."""
    counts = comparison.counts
    causes = {
        "missing": counts.missing,
        "stale_wallet": counts.stale_wallet,
        "unexplained": counts.unexplained,
        "protected": counts.protected,
    }
    largest = sorted(comparison.rows, key=lambda row: (-abs(row.delta), row.player_id))[:list_at_most]
    found = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in causes.items() if count)
    word = max(causes, key=lambda cause: causes[cause]).replace("_", " ") if found else "no difference"
    text = f"{found} of {comparison.players} players" if found else f"none of {comparison.players} players differs now"
    figures = {**causes, "players": comparison.players, "float_noise": counts.float_noise}
    return TenantTriage(comparison.tenant_id, word, text, tuple(_difference(row, currency) for row in largest), figures)


def _difference(row: PlanRow, currency: str) -> str:
    return f"{row.player_id}: {row.cause.value.replace('_', ' ')}, a backfill would change it by {readable(row.delta, currency)}"


def refused_calls(tenant_id: str, failures: int, calls: int, subjects: Sequence[AffectedSubject]) -> TenantTriage:
    """T2: how much of a tenant's webhook traffic is refused."""
    text = f"{failures} of {calls} webhook calls refused" + (f" ({failures / calls:.0%})" if calls else "")
    listed = tuple(f"{subject.subject_id}: {subject.events} refusal(s)" for subject in subjects)
    return TenantTriage(tenant_id, _refused(failures, calls), text, listed, {"failures": failures, "calls": calls})


def _refused(failures: int, calls: int) -> str:
    if not calls:
        return NOT_KNOWN
    if not failures:
        return "none refused"
    return "all calls refused" if failures >= calls else "some calls refused"
