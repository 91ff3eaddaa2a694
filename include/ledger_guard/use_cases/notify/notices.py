"""Builds notices from guard state. Posts nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import quote

from ledger_guard.domain.actions import DAG_OF_ACTION, REPAIRS
from ledger_guard.domain.approvals import Approval, ApprovalRequest
from ledger_guard.domain.cases_by_hand import cases_in_words
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.money_at_risk import sum_in_words
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import listed, one_line, wrote
from ledger_guard.domain.verdict_evidence import in_words, newest_alarms, since
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.signals.incident_facts import incident_span
from ledger_guard.signals.registry import nouns_of, signal_of

#: how far before the newest alarm to look for the players or webhooks behind it
_SUBJECTS_REACH = timedelta(hours=2)
Facts = Iterable[tuple[str, str]]
Pairs = tuple[tuple[str, str], ...]


def incident_notice(deps: Dependencies, incident_id: str, verb: str) -> Notice:
    """An incident in full: tenants and players, evidence, what the policy proposes, and links.

    `verb` is what just happened (`classify`, `triage` …). Raises BadInputError when there is no such incident.
    """
    incident, verdicts = _incident_with_verdicts(deps, incident_id)
    at_most = deps.policy.notification.list_at_most
    row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
    alarms = newest_alarms(verdicts, incident.tenants)
    tenants = [verdict.tenant_id for verdict in alarms]
    tenants += [tenant for tenant in incident.tenants if tenant not in set(tenants)]
    is_checked = signal_of(deps.policy, incident.trigger).against_verb and not set(REPAIRS).isdisjoint(row.actions)
    first = " Triage comes first and may advise against repairs." if is_checked else ""
    nouns, currency = nouns_of(deps.policy, incident.trigger), deps.policy.platform.currency
    evidence = [(f"Evidence {a.tenant_id}", in_words(a, since(verdicts, a.tenant_id), nouns)) for a in alarms[:at_most]]
    return Notice(
        title=_title(deps, verb, incident),
        summary=(
            f"{deps.policy.trigger(incident.trigger).description}. {len(incident.tenants)} tenant(s) in alarm since "
            f"{iso(incident.first_window_start)}; last alarm in the window of {iso(incident.last_alarm_window_start)}. "
            f"The incident is {incident.status.value}."
        ),
        facts=(
            ("Tenants", _listed(deps, tenants)),
            ("Money at risk", f"{sum_in_words(alarms, currency)}: {nouns.events} in the newest alarm of each tenant"),
            *_subjects(deps, incident, tenants[:at_most]),
            ("Proposed", f"{', '.join(row.actions)}. The runbook: {row.runbook_says}{first}"),
            ("Owner", row.owner),
            ("Runbook", deps.policy.trigger(incident.trigger).runbook),
            *(("By hand", words) for words in _by_hand(deps, incident_id)),
            # last, because a channel that runs out of space cuts the end off
            *(evidence or [("Evidence", incident.summary or "no verdict is stored for these tenants")]),
        ),
        links=_links(deps, incident_id),
        incident_id=incident_id,
    )


def _by_hand(deps: Dependencies, incident_id: str) -> tuple[str, ...]:
    with deps.state.transaction() as state:
        return cases_in_words(state.actions.of_incident(incident_id))


def approval_notice(deps: Dependencies, approval: Approval | ApprovalRequest) -> Notice:
    """A gate's question: what happens on approval, who may answer, until when, where; or its answer."""
    request = approval.request if isinstance(approval, Approval) else approval
    answer = approval.answer if isinstance(approval, Approval) else None
    facts = [
        ("What for", f"{request.kind.value} {request.subject_id}"),
        ("May answer", ", ".join(request.approvers)),
        ("Asked by", request.requested_by),
        ("Until", iso(request.expires_at)),
        ("No answer", "counts as Reject"),
        ("Reason", f"required, at least {request.minimum_reason_characters} characters"),
    ]
    if answer is not None:
        by = f" by {answer.answered_by}" if answer.answered_by else ""
        who = "who " if answer.answered_by else "and no one "
        text_of_answer = f"{answer.answer.value}{by} at {iso(answer.answered_at)}, {who}{wrote(answer.reason)}"
        facts.insert(0, ("Answer", text_of_answer))
    own: Pairs = (("Answer in Airflow", request.link),) if request.link else ()
    others = _links(deps, request.incident_id)
    return Notice(
        title=f"request_approval · {request.kind.value} · {request.subject_id}",
        summary=request.proposal or f"{request.kind.value} of {request.subject_id} waits for an answer.",
        facts=tuple(facts),
        links=own + tuple(link for link in others if link[1] != request.link),
        incident_id=request.incident_id,
    )


def action_notice(deps: Dependencies, incident_id: str | None, verb: str, text: str, facts: Facts) -> Notice:
    """Something was done, refused or failed; `incident_id` is None for work outside any incident."""
    title = verb
    if incident_id:
        with deps.state.transaction() as state:
            title = _title(deps, verb, state.incidents.get(incident_id))
    links = _links(deps, incident_id)
    return Notice(title=title, summary=text, facts=tuple(facts), links=links, incident_id=incident_id or None)


def _title(deps: Dependencies, verb: str, incident: Incident) -> str:
    return f"{verb} · {deps.policy.named(incident.trigger)} · {incident.severity.value} · {incident.scope.value}"


def _incident_with_verdicts(deps: Dependencies, incident_id: str) -> tuple[Incident, list[Verdict]]:
    length = timedelta(minutes=deps.policy.window_minutes)
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        found = state.verdicts.between(incident.trigger, incident.first_window_start, incident.last_alarm_window_start + length)
    concerned = set(incident.tenants)
    return incident, [verdict for verdict in found if verdict.tenant_id in concerned]


def _subjects(deps: Dependencies, incident: Incident, tenants: Sequence[str]) -> Pairs:
    """Who is behind the newest alarms. If the source does not answer, the notice says so and is still sent.

    Empty where the source names no one: triage finds them then.
    """
    if not deps.policy.trigger(incident.trigger).source.names_subjects:
        return ()
    label, at_most = nouns_of(deps.policy, incident.trigger).subjects.capitalize(), deps.policy.notification.list_at_most
    first, end = incident_span(deps, incident)
    start = max(first, end - _SUBJECTS_REACH)
    try:
        found = deps.triage.affected_subjects(incident.trigger, tenants, start, end, at_most)
    except SourceUnavailable as error:
        return ((label, f"not known: {error}"),)
    ordered = sorted(found, key=lambda subject: (-subject.events, subject.tenant_id, subject.subject_id))
    return ((label, _listed(deps, [_subject(subject) for subject in ordered])),)


def _listed(deps: Dependencies, names: Sequence[str]) -> str:
    return listed(names, deps.policy.notification.list_at_most, nobody="none", sign="+")


def _subject(subject: AffectedSubject) -> str:
    return f"{one_line(subject.subject_id)} of {subject.tenant_id} ({subject.events})"


def _links(deps: Dependencies, incident_id: str | None) -> Pairs:
    """Pages of open approvals first, then the board, then the started runs."""
    board = ("Board", f"{deps.ui_url.rstrip('/')}/plugin/ledger-guard")
    if not incident_id:
        return (board,)
    with deps.state.transaction() as state:
        waiting = [a.request for a in state.approvals.waiting(deps.wall_clock.now()) if a.request.incident_id == incident_id]
        actions = state.actions.of_incident(incident_id)
    answers = tuple((f"Approve or reject {ask.kind.value} {ask.subject_id}", ask.link) for ask in waiting if ask.link)
    runs = tuple(_run_link(deps, action) for action in actions if action.run_id and action.kind in DAG_OF_ACTION)
    return (*answers, board, *runs[-deps.policy.notification.list_at_most :])


def _run_link(deps: Dependencies, action: Action) -> tuple[str, str]:
    dag_id = DAG_OF_ACTION[action.kind]
    return f"{dag_id} {action.target}", f"{deps.ui_url.rstrip('/')}/dags/{dag_id}/runs/{quote(action.run_id or '', safe='')}"
