"""The runbook's questions answered for one tenant: rules over figures, without reading anything."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.failure_counts import chance_of_at_least_among
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import PlanRow
from ledger_guard.domain.shown_text import one_line
from ledger_guard.ports.platform import AffectedSubject, Comparison
from ledger_guard.signals.triage_report import TenantTriage

BACKFILL_FAULT = "backfill fault"
SHORT_OF_FUNDS = "short of funds"
MIXED = "part backfill fault, part short of funds"
NOT_KNOWN = "not known"
#: as many behind as this has by chance at most this often, or it isn't chance
_CHANCE_OF_LUCK = 0.05
#: from this share of the refused players on the backfill is at fault
_FAULT_SHARE = 0.5


def funds_or_fault(
    tenant_id: str,
    subjects: Sequence[AffectedSubject],
    list_at_most: int,
    currency: str,
    *,
    share_behind: float | None = None,
    wallet_judges: bool = True,
    fewest_wronged: int,
    is_cut: bool = False,
) -> TenantTriage:
    """T1: are the refused players' funds really short, or does the wallet hold less than it should?

    `share_behind` is the share of all the tenant's players whose wallet does: refused players who are behind no more often than
    that say nothing about a backfill fault, unless most players are. Whoever asked for more than the wallet should have
    was short, whatever it holds. With `wallet_judges` False enforcement is off, and no wallet can have refused anybody.

    A wave of others does not hide the wronged: `fewest_wronged` players whose wallet is behind and who, as the log tells, asked
    for no more than it should have are a fault, among however many. With `is_cut` there were more refused players than
    `subjects`, and that funds were short can't be said of those.
    """
    known = [subject for subject in subjects if subject.player_available is not None]
    behind = [subject for subject in known if _is_behind(subject)]
    wronged = sum(subject.smallest_asked is not None for subject in behind)
    figures = {
        "refused_players": len(subjects),
        "known_players": len(known),
        "wallet_behind": len(behind),
        "share_behind_of_all": None if share_behind is None else round(share_behind, 4),
    }
    ordered = sorted(subjects, key=lambda subject: (subject not in behind, -subject.events, subject.subject_id))
    listed = tuple(_funds(subject, currency) for subject in ordered[:list_at_most])
    if not known:
        why = "the log names no players" if not subjects else "the platform knows none of the refused players"
        return TenantTriage(tenant_id, NOT_KNOWN, f"{NOT_KNOWN}: {why}", listed, figures)
    share = len(behind) / len(known)
    counted = f"{len(behind)} of {len(known)} refused players have less in the wallet than they should ({share:.0%})"
    if share_behind is not None:
        counted += f", of all its players {share_behind:.0%}"
    if not wallet_judges:
        word, counted = SHORT_OF_FUNDS, f"enforcement is off, so no wallet has refused anybody; {counted}"
    elif wronged < fewest_wronged and not _is_at_fault(len(behind), len(known), share_behind):
        word = NOT_KNOWN if is_cut else SHORT_OF_FUNDS
        counted = f"{counted}; more players were refused than were looked at" if is_cut else counted
    else:
        word = BACKFILL_FAULT if share >= _FAULT_SHARE else MIXED
    return TenantTriage(tenant_id, word, f"{word}: {counted}", listed, {**figures, "share_behind": round(share, 4)})


def _is_behind(subject: AffectedSubject) -> bool:
    """Whether the wallet has less than it should, and that can be why the request was refused."""
    right = subject.player_available if subject.right_available is None else subject.right_available
    if right is None or (subject.wallet_available or 0) >= right:
        return False
    return subject.smallest_asked is None or subject.smallest_asked <= right


def _is_at_fault(behind: int, known: int, share_behind: float | None) -> bool:
    """Whether the refused players are behind more often than the tenant's players are anyway, or nearly everybody is."""
    if not behind:
        return False
    return _is_above(behind, known, share_behind) or behind / known >= (share_behind or 0) >= _FAULT_SHARE


def _is_above(behind: int, known: int, share_behind: float | None) -> bool:
    """Whether so many of the refused being behind is more than chance makes of the share of all players.

    A one-sided binomial test: at the share of all, as many as this among so many would be improbable.
    """
    if share_behind is None or share_behind <= 0:
        return True
    return chance_of_at_least_among(behind, known, share_behind) <= _CHANCE_OF_LUCK


def _funds(subject: AffectedSubject, currency: str) -> str:
    player = "no player row" if subject.player_available is None else f"player {readable(subject.player_available, currency)}"
    wallet = "no wallet" if subject.wallet_available is None else f"wallet {readable(subject.wallet_available, currency)}"
    right = "" if subject.right_available is None else f", should have {readable(subject.right_available, currency)}"
    asked = "" if subject.smallest_asked is None else f", asked for {readable(subject.smallest_asked, currency)} or more"
    return f"{one_line(subject.subject_id)}: {subject.events} refusal(s), {player}, {wallet}{right}{asked}"


def difference_by_cause(comparison: Comparison, list_at_most: int, currency: str) -> TenantTriage:
    """T3: how many players differ, why, and which differ most."""
    counts = comparison.counts
    causes = {cause.value: getattr(counts, cause.value) for cause in RowCause if cause is not RowCause.PROTECTED}
    largest = sorted(comparison.rows, key=lambda row: (-abs(row.delta), row.player_id))[:list_at_most]
    found = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in causes.items() if count)
    word = max(causes, key=lambda cause: causes[cause]).replace("_", " ") if found else "no difference"
    text = f"{found} of {comparison.players} players" if found else f"none of {comparison.players} players differs now"
    if counts.protected:
        text += f"; {counts.protected} right though the player row differs"
    figures = {**causes, "protected": counts.protected, "players": comparison.players, "float_noise": counts.float_noise}
    return TenantTriage(comparison.tenant_id, word, text, tuple(_difference(row, currency) for row in largest), figures)


def _difference(row: PlanRow, currency: str) -> str:
    cause = row.cause.value.replace("_", " ")
    return f"{one_line(row.player_id)}: {cause}, a backfill would change it by {readable(row.delta, currency)}"


def refused_calls(tenant_id: str, failures: int, calls: int, subjects: Sequence[AffectedSubject]) -> TenantTriage:
    """T2: how much of a tenant's webhook traffic is refused."""
    text = f"{failures} of {calls} webhook calls refused" + (f" ({failures / calls:.0%})" if calls else "")
    listed = tuple(f"{one_line(subject.subject_id)}: {subject.events} refusal(s)" for subject in subjects)
    return TenantTriage(tenant_id, _refused(failures, calls), text, listed, {"failures": failures, "calls": calls})


def _refused(failures: int, calls: int) -> str:
    if not calls:
        return NOT_KNOWN
    if not failures:
        return "none refused"
    return "all calls refused" if failures >= calls else "some calls refused"
