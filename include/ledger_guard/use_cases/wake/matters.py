"""What people are called for now: severe incidents, and the questions of an incident that wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger_guard.domain.approvals import ApprovalRequest
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import mode_of_row
from ledger_guard.domain.shown_text import counted, listed, one_line
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.wake import Matter
from ledger_guard.domain.windows import iso
from ledger_guard.policy.triggers import MatrixRow
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.wake.blindness import blind_sentences

#: questions outside of any incident have no row of the matrix
_NO_OWNER = ""


def matters_now(deps: Dependencies, state: UnitOfWork) -> list[Matter]:
    """Everything that people should know of at once; without what a matrix row in shadow finds, and without drills."""
    found = list(_incidents(deps, state))
    found += _questions(deps, state) if deps.policy.wake.for_approvals else ()
    return [*found, *(_blindness(deps, state) if deps.policy.wake.for_blindness else ())]


def matter_of_incident(deps: Dependencies, incident: Incident) -> Matter:
    """The matter that a severe incident is."""
    row = _row(deps, incident)
    owner = row.owner if row else _NO_OWNER
    described = deps.policy.triggers.get(incident.trigger)
    proposed = f"Proposed: {', '.join(row.actions)}. Owner: {owner}." if row else "The policy has no row for it: people decide."
    tenants = listed(incident.tenants, deps.policy.notification.list_at_most, nobody="no tenant", sign="+")
    how_bad = f"{incident.severity.value}, {incident.scope.value}, {counted(len(incident.tenants), 'tenant', 'tenants')}"
    return Matter(
        key=incident_key(incident.incident_id),
        stage=incident.described,
        trigger=incident.trigger.value,
        tenants=frozenset(incident.tenants),
        owner=owner,
        title=f"{deps.policy.named(incident.trigger)}: {how_bad} since {iso(incident.first_window_start)}",
        text=f"{one_line(incident.summary)} Tenants: {tenants}. {proposed}".strip(),
        links=(_board(deps), *((("Runbook", described.runbook),) if described else ())),
        incident_id=incident.incident_id,
    )


def incident_key(incident_id: str) -> str:
    """The key under which all pagers know an incident."""
    return f"incident:{incident_id}"


def _incidents(deps: Dependencies, state: UnitOfWork) -> Iterator[Matter]:
    for incident in state.incidents.listed(include_resolved=False):
        if incident.severity is Severity.SEVERE and not _is_in_shadow(deps, state, incident):
            yield matter_of_incident(deps, incident)


def _row(deps: Dependencies, incident: Incident) -> MatrixRow | None:
    """The matrix row of an incident; None where the policy no longer has one, as for a trigger that was taken out."""
    try:
        return deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
    except BadInputError:
        return None


def _is_in_shadow(deps: Dependencies, state: UnitOfWork, incident: Incident) -> bool:
    row = _row(deps, incident)
    # people decide what an incident means that the policy does not know
    return row is not None and mode_of_row(state.audit, deps.policy.modes, row.name).mode is Mode.SHADOW


def _questions(deps: Dependencies, state: UnitOfWork) -> Iterator[Matter]:
    """One matter for all the questions of an incident; a question outside of any is one by itself."""
    waiting = [each.request for each in state.approvals.waiting(deps.wall_clock.now()) if not each.request.is_drill]
    for key, questions in groupby(sorted(waiting, key=_key_of_question), _key_of_question):
        yield _asked(deps, state, key, list(questions))


def _key_of_question(request: ApprovalRequest) -> str:
    return f"questions:{request.incident_id}" if request.incident_id else f"question:{request.approval_id}"


def _asked(deps: Dependencies, state: UnitOfWork, key: str, questions: Sequence[ApprovalRequest]) -> Matter:
    first = min(questions, key=lambda each: each.expires_at)
    incident = state.incidents.get(first.incident_id) if first.incident_id else None
    row = _row(deps, incident) if incident else None
    approvers = dict.fromkeys(name for each in questions for name in each.approvers)
    asked = listed(
        [f"{each.kind.value} {one_line(each.subject_id)}" for each in questions], deps.policy.notification.list_at_most
    )
    links = tuple(("Answer here", each.link) for each in questions[:1] if each.link)
    return Matter(
        key=key,
        # a question more calls nobody anew while one waits of which people were called: that call said where they wait
        stage="waiting",
        since=min(each.requested_at for each in questions),
        anew="Those before were answered; this waits now.",
        trigger=incident.trigger.value if incident else "",
        tenants=frozenset(incident.tenants) if incident else frozenset(),
        owner=row.owner if row else _NO_OWNER,
        title=f"{counted(len(questions), 'question waits', 'questions wait')} for an answer until {iso(first.expires_at)}",
        text=f"{asked}. May answer: {', '.join(approvers)}. No answer counts as Reject: nothing is written then.",
        links=(*links, _board(deps)),
        incident_id=first.incident_id,
    )


def _blindness(deps: Dependencies, state: UnitOfWork) -> Iterator[Matter]:
    """One matter for all signals of which nothing is seen; routes and silences that name a trigger or a tenant are not for it."""
    if sentences := blind_sentences(deps, state):
        yield Matter(
            key="blind",
            # one signal more calls nobody anew: whoever was called looks at the guard
            stage="blind",
            trigger="",
            tenants=frozenset(),
            owner=_NO_OWNER,
            title=f"The guard is blind for {counted(len(sentences), 'signal', 'signals')}",
            text=f"{one_line(' '.join(sentences))} An incident there would not be detected.",
            links=(_board(deps),),
            incident_id=None,
        )


def _board(deps: Dependencies) -> tuple[str, str]:
    return "Board", f"{deps.ui_url.rstrip('/')}/plugin/ledger-guard"
