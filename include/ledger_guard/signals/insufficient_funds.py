"""Insufficient funds: withdrawals refused by the wallet. Are players short of funds, or is the wallet wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.incidents import Triaged
from ledger_guard.domain.failure_counts import chance_of_at_least_among
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.money import readable
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.windows import iso
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.signals.incident_facts import affected_by_tenant, newest_triage
from ledger_guard.signals.signal import COMMON_ACTIONS, Against, Finding, RestoreNeeds, Signal, Topics
from ledger_guard.signals.triage_report import NOT_KNOWN, TenantTriage, TriageReport, reported

BACKFILL_FAULT = "backfill fault"
SHORT_OF_FUNDS = "short of funds"
MIXED = "part backfill fault, part short of funds"
#: if chance alone gives so many at most this often, it is not chance
_CHANCE_OF_LUCK = 0.05
#: from this share of the refused players on, it is a backfill fault
_FAULT_SHARE = 0.5
#: at most so many players per tenant are checked
_MOST_SUBJECTS = 1_000
#: why it is not known who was refused, by whether the source could name them
_NAMES_NONE = {True: "the log names no players", False: "the source only counts, it names no players"}
_AGAINST = "players are short of funds, and neither a rollback nor a backfill changes that"


class InsufficientFunds(Signal):
    """Refused withdrawals."""

    name = "insufficient_funds"
    nouns = Nouns("refused withdrawals", "withdrawals", "players")
    sources = frozenset({"access_events", "prometheus", "sql"})
    actions = COMMON_ACTIONS
    restore_needs = RestoreNeeds(wallets_compared=True, rotations_done=False)
    against_verb: Literal["triage"] = "triage"

    def review_topics(self, described: TriggerPolicy) -> Topics:  # noqa: ARG002
        """See Signal."""
        asked = "which withdrawals does enforcement refuse although the player row covers them? Is that intended?"
        return (("Business rules", asked),)

    def triage(self, deps: Dependencies, incident: Incident) -> TriageReport:
        """See Signal. Balances are current; refusals are from the incident's span."""
        by_tenant = affected_by_tenant(deps, incident, _MOST_SUBJECTS)
        at_most, currency = deps.policy.notification.list_at_most, deps.policy.platform.currency
        flag = deps.policy.trigger(incident.trigger).flag
        tenants = tuple(
            funds_or_fault(
                tenant,
                by_tenant.get(tenant, []),
                at_most,
                currency,
                share_behind=deps.triage.share_behind(tenant),
                wallet_judges=_is_on(deps, flag, tenant),
                fewest_wronged=deps.policy.detection_of(incident.trigger).minimum_events,
                is_cut=len(by_tenant.get(tenant, [])) >= _MOST_SUBJECTS,
                names_players=deps.policy.trigger(incident.trigger).source.names_subjects,
            )
            for tenant in incident.tenants
        )
        return reported(incident, "Are players really short of funds, or is it a backfill fault?", tenants)

    def against(self, found: Finding, tenants: Sequence[str]) -> Against:  # noqa: ARG002  triage names its own
        """See Signal: tenants whose players are short."""
        words = found.tenants if isinstance(found, Triaged) else {}
        return {tenant: _AGAINST for tenant, word in words.items() if word == SHORT_OF_FUNDS}

    def against_now(self, deps: Dependencies, incident: Incident) -> Against:
        """See Signal."""
        return self.against(self.triage(deps, incident).on_record(), incident.tenants)

    def before_a_rollback(self, deps: Dependencies, incident: Incident) -> str:
        """See Signal: what the newest triage found."""
        newest = newest_triage(deps, incident.incident_id)
        if newest is None:
            return "This incident has not been triaged yet. "
        at, triaged = newest
        words = set(triaged.tenants.values())
        is_short = words == {SHORT_OF_FUNDS}
        warning = "SHORT OF FUNDS: do not roll back. It would change nothing for these players. " if is_short else ""
        return f"{warning}Triage at {iso(at)}: {triaged.conclusion.rstrip('.')}. "

    def before_a_backfill(self, deps: Dependencies, incident: Incident, tenant_id: str) -> str:
        """See Signal: what the newest triage found in this tenant."""
        newest = newest_triage(deps, incident.incident_id)
        if newest is None or tenant_id not in newest[1].tenants:
            return ""
        at, triaged = newest
        word = triaged.tenants[tenant_id]
        warning = "SHORT OF FUNDS: a backfill would change nothing for the refused players. " if word == SHORT_OF_FUNDS else ""
        return f"{warning}Triage at {iso(at)}: {word}. "


def _is_on(deps: Dependencies, flag: str, tenant_id: str) -> bool:
    """Whether the flag is on for a tenant; read from its wallets where no flag store knows."""
    try:
        return deps.flags.effective(flag, tenant_id) is not False
    except SourceUnavailable:
        return True


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
    names_players: bool = True,
) -> TenantTriage:
    """Are the refused players' funds really short, or does the wallet hold less than it should?

    `share_behind` is the share of all the tenant's players whose wallet holds too little. If refused players are behind no more
    often than that, this is no sign of a backfill fault, unless most players are behind. A player who asked for more than the
    wallet should hold was short in any case. With `wallet_judges` False enforcement is off: no wallet refused anyone.

    Many players who are short do not hide the wronged ones: `fewest_wronged` players whose wallet is behind and who asked for no
    more than it should hold are a fault, among however many. With `is_cut` not all refused players are in `subjects`; of the
    others it is not known whether they were short. Without `names_players` the source only counts.
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
        why = "none of the refused players exists on the platform" if subjects else _NAMES_NONE[names_players]
        if not names_players and share_behind is not None:
            why = f"{why}. Of all players of the tenant {share_behind:.0%} have too little in the wallet"
        return TenantTriage(tenant_id, NOT_KNOWN, f"{NOT_KNOWN}: {why}", listed, figures)
    share = len(behind) / len(known)
    summary = f"{len(behind)} of {len(known)} refused players have too little in the wallet ({share:.0%})"
    if share_behind is not None:
        summary += f"; of all players of the tenant: {share_behind:.0%}"
    if not wallet_judges:
        word, summary = SHORT_OF_FUNDS, f"enforcement is off, so no wallet refused anyone; {summary}"
    elif wronged < fewest_wronged and not _is_at_fault(len(behind), len(known), share_behind):
        word = NOT_KNOWN if is_cut else SHORT_OF_FUNDS
        summary = f"{summary}; not all refused players were checked" if is_cut else summary
    else:
        word = BACKFILL_FAULT if share >= _FAULT_SHARE else MIXED
    return TenantTriage(tenant_id, word, f"{word}: {summary}", listed, {**figures, "share_behind": round(share, 4)})


def _is_behind(subject: AffectedSubject) -> bool:
    """Whether the wallet holds too little, and this can be why the request was refused."""
    right = subject.player_available if subject.right_available is None else subject.right_available
    if right is None or (subject.wallet_available or 0) >= right:
        return False
    return subject.smallest_asked is None or subject.smallest_asked <= right


def _is_at_fault(behind: int, known: int, share_behind: float | None) -> bool:
    """Whether refused players are behind more often than the tenant's players are anyway, or most of them are."""
    if not behind:
        return False
    return _is_above(behind, known, share_behind) or behind / known >= (share_behind or 0) >= _FAULT_SHARE


def _is_above(behind: int, known: int, share_behind: float | None) -> bool:
    """Whether more refused players are behind than chance explains, given the share among all players.

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
