"""The steps of a remediation: each does one action of the policy and reports it in the incident's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ledger_guard.domain.facts.codec import json_of, recorded
from ledger_guard.domain.facts.incidents import ReviewRequested
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.registry import topics_of
from ledger_guard.signals.triage import triage
from ledger_guard.signals.withheld import withheld_now
from ledger_guard.use_cases.approvals.own_actions import finish_action
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.notify.notify import action_notice, notify_of_row, tell
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.remediation.recovery import Recovery, has_readings_since_mitigation, was_repaired
from ledger_guard.use_cases.remediation.remediate import Case, start_action
from ledger_guard.use_cases.remediation.shadow import is_only_recorded, record
from ledger_guard.use_cases.remediation.withheld import proposed_runs
from ledger_guard.use_cases.reports.report import incident_report

Facts = Sequence[tuple[str, str]]


def freeze_rollout(deps: Dependencies, case: Case) -> str:
    """Freeze the trigger's flag until a root cause is on record."""
    reason = f"{case.trigger} {case.severity}: rollout stopped until the root-cause analysis is finished"
    opened = freeze(deps, case.flag, EVERYWHERE, case.incident_id, reason, case.requested_by)
    return _done(
        deps, case, "freeze", case.flag, f"{case.flag} may not be enabled for anything new", (("Freeze", opened.freeze_id),)
    )


def triage_case(deps: Dependencies, case: Case) -> dict[str, Any]:
    """Which tenants and players are affected, and why."""
    report = triage(deps, case.incident_id)
    _done(deps, case, "triage", "", report.conclusion, report.as_facts())
    return json_of(report)


def check_case_secrets(deps: Dependencies, case: Case) -> dict[str, Any]:
    """The state of the webhook secrets, and the likeliest cause."""
    report = check_secrets(deps, case.incident_id)
    _done(deps, case, "check_secrets", "", report.likeliest_cause, report.as_facts(), report.in_short())
    return json_of(report.on_record())


def plan_case_rotation(deps: Dependencies, case: Case) -> list[str]:
    """A rotation plan for each provider that fails."""
    found = plan_secret_rotation(deps, case.incident_id, case.requested_by)
    plans = found.plans
    facts = (
        *((plan.secret_name, f"{plan.owner}, due {plan.due_at:%Y-%m-%d %H:%M} UTC") for plan in plans),
        *(("Not planned", why) for why in found.refused),
    )
    _done(deps, case, "plan_secret_rotation", "", f"{len(plans)} rotation(s) planned with the provider", facts)
    return [plan.rotation_id for plan in plans]


def request_case_review(deps: Dependencies, case: Case) -> str:
    """The review by people that the runbook names for this case."""
    beyond = case.tenants[deps.policy.guardrails.max_tenants_per_incident :]
    facts = (("Over the tenant limit, for people to decide", ", ".join(beyond)),) if beyond else ()
    return _done(deps, case, "request_review", "", request_review(deps, case.incident_id, case.requested_by), facts)


def report_case(deps: Dependencies, case: Case, found: str) -> str:
    """The incident report as Markdown, headed by how the remediation ended."""
    return f"{ending(deps, case, Recovery(found))}\n\n{incident_report(deps, case.incident_id)}"


def tell_case(deps: Dependencies, case: Case, found: str) -> None:
    """Post how the remediation ended. Raises NotificationFailed when the channel failed."""
    with deps.state.transaction() as state:
        actions = [action for action in state.actions.of_incident(case.incident_id) if action.outcome]
    facts = tuple((f"{action.kind} {action.target}".strip(), f"{action.status.value}: {action.outcome}") for action in actions)
    notify_of_row(deps, action_notice(deps, case.incident_id, "verify", ending(deps, case, Recovery(found)), facts))


def ending(deps: Dependencies, case: Case, found: Recovery) -> str:
    """How the remediation ended, in a sentence; names a rollback that did not help and who must take over."""
    if case.is_shadow and found is Recovery.NOTHING_REPAIRED:
        return "The matrix row is in shadow: what it would have done is recorded; nothing was written, asked or posted."
    if found is Recovery.NOTHING_REPAIRED and (words := _not_proposed(deps, case)):
        return f"No repair is proposed: {words}."
    if found in (Recovery.RECOVERED, Recovery.NOT_RECOVERED) and not was_repaired(deps, case):
        return _ENDINGS_WITHOUT_REPAIR[found]
    if found is not Recovery.NOT_RECOVERED or "roll_back" not in case.actions:
        return _ENDINGS[found]
    trigger = Trigger(case.trigger)
    if not has_readings_since_mitigation(deps, case):
        return (
            f"{case.flag} was rolled back, but {deps.policy.named(trigger)} was not read "
            "since: whether it helped is not known. Check the source of the signal first."
        )
    row = deps.policy.row_for(trigger, Severity.parse(case.severity), Scope.parse(case.scope))
    return (
        f"{case.flag} was rolled back, but {deps.policy.named(trigger)} did not fall within "
        f"{deps.policy.mitigation.recover_within_minutes} minutes. The flag is not the cause, or not the only one. "
        f"Escalate to {row.owner}."
    )


def _not_proposed(deps: Dependencies, case: Case) -> str:
    with deps.state.transaction() as state:
        held = withheld_now(state.actions.of_incident(case.incident_id))
    return "; ".join(sorted({action.outcome.partition(": ")[2] for action in held}))


_ENDINGS = {
    Recovery.NOTHING_REPAIRED: "The actions of the runbook are done; nothing had to be repaired.",
    Recovery.NOT_REPAIRED: "Not everything was repaired: a repair was refused or failed. People must take over.",
    Recovery.WAITING: "The repairs are done; the signal has not recovered yet.",
    Recovery.RECOVERED: "Repaired, and the signal recovered: the incident is resolved.",
    Recovery.NOT_RECOVERED: "Repaired, but the signal did not recover within the policy's time. Escalate.",
}


_ENDINGS_WITHOUT_REPAIR = {
    Recovery.RECOVERED: "The signal recovered by itself: nothing was repaired. The incident is resolved.",
    Recovery.NOT_RECOVERED: "Nothing had to be repaired, and the signal did not recover within the policy's time. Escalate.",
}


def _done(deps: Dependencies, case: Case, kind: str, target: str, outcome: str, facts: Facts, on_record: str = "") -> str:
    """Record the action and post it in the thread; a failed channel is recorded and stops no repair.

    `on_record` is what the incident's report says of it, where that has no `facts` beside it; empty: `outcome`.
    """
    finish_action(deps, start_action(deps, case, kind, target), ActionStatus.DONE, on_record or outcome)
    tell(lambda: notify_of_row(deps, action_notice(deps, case.incident_id, kind, outcome, tuple(facts))))
    return outcome


def runs_to_start(deps: Dependencies, case: Case, kind: str) -> list[dict[str, Any]]:
    """The runs that an action of the policy starts, and a note in the thread where triage advises against it."""
    runs = proposed_runs(deps, case, kind)
    with deps.state.transaction() as state:
        held = [action for action in withheld_now(state.actions.of_incident(case.incident_id)) if action.kind == kind]
    if held:
        facts = tuple((action.target, action.outcome) for action in held[: deps.policy.notification.list_at_most])
        words = f"{kind} is not proposed for {len(held)} of {len(held) + len(runs)}: {held[0].outcome.partition(': ')[2]}"
        tell(lambda: notify_of_row(deps, action_notice(deps, case.incident_id, kind, words, facts)))
    return runs


Step = Callable[[Dependencies, Case], object]
#: actions of the policy that a remediation does itself, by their word; each is a task of that name
STEPS: dict[str, Step] = {
    "freeze": freeze_rollout,
    "triage": triage_case,
    "check_secrets": check_case_secrets,
    "plan_secret_rotation": plan_case_rotation,
    "request_review": request_case_review,
}
#: actions that are runs of another DAG, and the task that lists those runs
_LISTS = {"backfill": "list_backfills", "dry_run": "list_backfills", "roll_back": "list_rollbacks"}


def do_step(deps: Dependencies, case: Case, word: str) -> object:
    """Do the action of this word; in shadow only record it, unless it only reads."""
    return record(deps, case, word, "") if is_only_recorded(case, word) else STEPS[word](deps, case)


def task_of(word: str) -> str:
    """The remediation's task that begins an action of the policy."""
    return word if word in STEPS else _LISTS[word]


def backfill_kind(actions: Sequence[str]) -> str | None:
    """Which kind of tenant runs the actions name: `backfill`, `dry_run`, or none."""
    return next((word for word in ("backfill", "dry_run") if word in actions), None)


def request_review(deps: Dependencies, incident_id: str, actor: str) -> str:
    """Record the request and return it as one sentence for people: what to review, and who owns it.

    Raises BadInputError when there is no such incident.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
        topics = topics_of(deps.policy, incident.trigger)
        state.audit.append(
            recorded(
                ReviewRequested(topics=tuple(label for label, _ in topics), owner=row.owner, runbook_says=row.runbook_says),
                actor=actor,
                subject=f"incident:{incident_id}",
                at=deps.wall_clock.now(),
                incident_id=incident_id,
            )
        )
    return f"Review requested of {row.owner}. " + " ".join(f"{label}: {question}" for label, question in topics)
