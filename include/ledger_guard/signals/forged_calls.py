"""Are an incident's refused webhooks forged? Compares accepted calls now with the past, from the access log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger_guard.domain.forged_calls import Caller, ForgeryFinding, Kept, RefusedIds, RefusedSenders, judged_forgery
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.verdicts import Scope
from ledger_guard.policy.forgery import ForgeryRules
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import CallCount
from ledger_guard.signals.incident_facts import incident_span
from ledger_guard.signals.webhook_calls import (
    ONLY_COUNTED,
    are_only_counted,
    calls_in,
    is_mostly_measured,
    refused_ids,
    refused_senders,
)

#: the hour before the first alarm may be part of the incident already: it is left out of the usual number
_GAP = timedelta(hours=1)
#: on earlier days the same time is read with an hour on each side: single minutes vary too much
_AROUND = timedelta(hours=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
#: how long an accepted call's event id is kept
_KNOWN_FOR = timedelta(days=1)
#: senders that are named
_MOST_SENDERS = 5

Span = tuple[datetime, datetime]
#: accepted calls per second, by provider and tenant
Rates = dict[tuple[str, str], float]


@dataclass(frozen=True)
class RefusedCalls:
    """What is known about an incident's refused webhooks."""

    finding: ForgeryFinding
    ids: RefusedIds
    senders: RefusedSenders
    #: nothing but numbers is known of the calls
    are_only_counted: bool = False

    def as_facts(self) -> tuple[tuple[str, str], ...]:
        """Label and text pairs for a notice; empty when nothing was refused."""
        if not self.ids.refused:
            return ()
        if self.are_only_counted:
            return (("Genuine calls", f"{self.finding.why}."), ("Known event ids", ONLY_COUNTED), ("Senders", ONLY_COUNTED))
        without = f"; {self.ids.without_id} calls had no id" if self.ids.without_id else ""
        known = f"{self.ids.known_ids} of {self.ids.ids} refused event ids were also accepted{without}"
        return (
            ("Genuine calls", f"{self.finding.why}."),
            ("Known event ids", known if self.ids.ids else "the access log has no event ids of these calls"),
            ("Senders", self.senders.in_words()),
        )


def refused_calls_of(deps: Dependencies, incident: Incident) -> RefusedCalls:
    """Compare the incident's newest minutes (at most the policy's `look_minutes`) with the usual number of calls.

    Usual is the larger of two: the hours before the incident, and the same time on earlier days.

    Raises:
        SourceUnavailable: the access log's events can't be read. This proves nothing.
    """
    rules, length = deps.policy.forgery, timedelta(minutes=deps.policy.window_minutes)
    trigger, (first, end) = incident.trigger, incident_span(deps, incident)
    start = max(first, end - timedelta(minutes=rules.look_minutes))
    ids, most_since = refused_ids(deps, trigger, (start, end), start - _KNOWN_FOR)
    senders = refused_senders(deps, trigger, (start, end), _MOST_SENDERS, ids.refused)
    looked_at = [(start, end), (most_since or start, end), (end - length, end)]
    before = [_hours_before(first, rules)]
    days = _earlier_days(first, (start, end), rules)
    found = calls_in(deps, trigger, [*looked_at, *before, *days])
    if are_only_counted(deps, trigger):
        # a part of the past that was not measured would make the usual number too small, and calls look like as many as usual
        past = zip(found[3:], [*before, *days], strict=True)
        found[3:] = [counts if is_mostly_measured(deps, trigger, span, length) else [] for counts, span in past]
    usual_before = _rates(found[3:4], before)
    usual_then = _rates(*_of_days_that_count(found[4:], days, start))
    accepted = [{(count.provider, count.tenant_id): count for count in counts} for counts in found[:3]]
    callers = []
    for provider, tenant_id in sorted({*accepted[0], *usual_before, *usual_then}):
        key = (provider, tenant_id)
        kept = [
            Kept(
                counts[key].accepted if key in counts else 0,
                usual_before.get(key, 0.0) * _seconds(span),
                usual_then.get(key, 0.0) * _seconds(span),
            )
            for counts, span in zip(accepted, looked_at, strict=True)
        ]
        callers.append(Caller(provider, tenant_id, accepted[0][key].refused if key in accepted[0] else 0, *kept))
    finding = judged_forgery(
        callers, ids, frozenset(incident.tenants), rules.limits, is_widespread=incident.scope is Scope.WIDESPREAD
    )
    only_counted = are_only_counted(deps, trigger)
    return RefusedCalls(replace(finding, is_by_counts_alone=only_counted), ids, senders, only_counted)


def forged_words(forgery: ForgeryFinding) -> str:
    """For people: that refusals are likely forged, and what to do."""
    why = f"{forgery.why[0].upper()}{forgery.why[1:]}"
    if forgery.is_by_counts_alone:
        return (
            f"Forged calls are not excluded: do not roll back. {why}: either someone without the secret calls, and a rollback "
            "would accept these calls; or genuine calls are refused and come through when they are tried again. Counts alone "
            "can't tell which: look in the platform's or the ingress's log who sent them."
        )
    return (
        f"Likely forged: do not roll back. {why}: someone without the secret calls, and a rollback would accept these calls. "
        "No secret needs rotating; block the senders at the ingress."
    )


def _hours_before(first: datetime, rules: ForgeryRules) -> Span:
    return first - _GAP - timedelta(hours=rules.hours_before), first - _GAP


def _earlier_days(first: datetime, span: Span, rules: ForgeryRules) -> list[Span]:
    """The same time on earlier days, newest first; for a long incident, days before it began."""
    found = [(span[0] - day * _DAY - _AROUND, span[1] - day * _DAY + _AROUND) for day in range(1, rules.days_before + 1)]
    return [each for each in found if each[1] <= first - _GAP]


def _of_days_that_count(
    found: Sequence[Sequence[CallCount]], days: Sequence[Span], start: datetime
) -> tuple[list[Sequence[CallCount]], list[Span]]:
    """Days with accepted calls; only the day a week ago if it is one of them (weekends differ from weekdays)."""
    known = [(counts, span) for counts, span in zip(found, days, strict=True) if any(count.accepted for count in counts)]
    week_ago = [each for each in known if each[1][0] == start - _WEEK - _AROUND]
    counted_days = week_ago or known
    return [counts for counts, _ in counted_days], [span for _, span in counted_days]


def _rates(found: Sequence[Sequence[CallCount]], spans: Sequence[Span]) -> Rates:
    seconds = sum(_seconds(span) for span in spans)
    totals: Rates = {}
    for counts in found:
        for count in counts:
            if count.accepted:
                key = (count.provider, count.tenant_id)
                totals[key] = totals.get(key, 0.0) + count.accepted / seconds
    return totals


def _seconds(span: Span) -> float:
    return (span[1] - span[0]).total_seconds()
