"""What is known of a trigger's webhook calls: each of them where the source is the access log, else only their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from ledger_guard.domain.forged_calls import RefusedIds, RefusedSenders
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Reading, Trigger, WindowState
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import CallCount, FailureGroup
from ledger_guard.signals.incident_facts import incident_span

#: whose calls they are, where the source only counts
ALL_PROVIDERS = "all providers"
#: for people: what such a source can't tell
ONLY_COUNTED = "not known: the source counts calls and names no provider, sender or event id"

_MOSTLY = 0.9

Span = tuple[datetime, datetime]


def are_only_counted(deps: Dependencies, trigger: Trigger) -> bool:
    """Whether nothing is known of the calls but their numbers by window and tenant."""
    return not deps.policy.trigger(trigger).source.names_subjects


def failure_groups(deps: Dependencies, incident: Incident) -> list[FailureGroup]:
    """Calls and failures in the incident's windows, by provider; of all providers together where they are only counted.

    Raises SourceUnavailable when the access log's events can't be read.
    """
    start, end = incident_span(deps, incident)
    if not are_only_counted(deps, incident.trigger):
        return deps.triage.failures_by_provider(incident.trigger, start, end)
    readings = _readings(deps, incident.trigger, (start, end))
    calls = sum(each.exposure for each in readings)
    if not calls:
        return []
    first = min((each.window.start for each in readings if each.events), default=start)
    before = sum(each.exposure for each in readings if each.window.start < first)
    return [FailureGroup(ALL_PROVIDERS, "", sum(each.events for each in readings), calls - before, first, before)]


def calls_in(deps: Dependencies, trigger: Trigger, spans: Sequence[Span]) -> list[list[CallCount]]:
    """Accepted and refused calls in each of these spans. What is only counted is accepted unless it is refused.

    Raises SourceUnavailable when the access log's events can't be read.
    """
    if not are_only_counted(deps, trigger):
        return deps.triage.webhook_calls(trigger, spans)
    return [_counts(_readings(deps, trigger, span)) for span in spans]


def is_mostly_measured(deps: Dependencies, trigger: Trigger, span: Span, length: timedelta) -> bool:
    """Whether nine in ten of the windows that begin in a span were measured."""
    with deps.state.transaction() as state:
        measured = sum(each.state is WindowState.COMPLETE for each in state.readings.windows(trigger, *span))
    return measured >= _MOSTLY * ((span[1] - span[0]) / length)


def refused_ids(deps: Dependencies, trigger: Trigger, span: Span, known_from: datetime) -> tuple[RefusedIds, datetime | None]:
    """How many calls were refused, what is known of their ids, and from when nine in ten of them came.

    Raises SourceUnavailable when the access log's events can't be read.
    """
    if not are_only_counted(deps, trigger):
        return deps.triage.refused_ids(trigger, *span, known_from)
    by_window: Counter[datetime] = Counter()
    for each in _readings(deps, trigger, span):
        by_window[each.window.start] += each.events
    refused = by_window.total()
    so_far, most_since = 0, None
    for start in sorted(by_window):
        so_far += by_window[start]
        if most_since is None and so_far * 10 >= refused > 0:
            most_since = start
    return RefusedIds(refused, without_id=refused, ids=0, known_ids=0), most_since


def refused_senders(deps: Dependencies, trigger: Trigger, span: Span, limit: int, refused: int) -> RefusedSenders:
    """Where refused calls came from. Raises SourceUnavailable when the access log's events can't be read."""
    if not are_only_counted(deps, trigger):
        return deps.triage.refused_senders(trigger, *span, limit)
    return RefusedSenders((), addresses=0, refused=refused, without_address=refused)


def _readings(deps: Dependencies, trigger: Trigger, span: Span) -> list[Reading]:
    with deps.state.transaction() as state:
        return state.readings.readings(trigger, *span)


def _counts(readings: Sequence[Reading]) -> list[CallCount]:
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for each in readings:
        accepted[each.tenant_id] += max(0, each.exposure - each.events)
        refused[each.tenant_id] += each.events
    return [CallCount(ALL_PROVIDERS, tenant, accepted[tenant], refused[tenant]) for tenant in sorted(accepted)]
