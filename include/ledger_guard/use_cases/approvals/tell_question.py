"""Notifies people that a gate waits for their answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import action_notice, notify


def gate_link(deps: Dependencies, dag_id: str, run_id: str, task_id: str) -> str:
    """Address of the Airflow page where this gate is answered."""
    # the id of a run by hand was chosen by a person, and the page fills its fields from its address
    where = f"dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe=':+')}/tasks/{quote(task_id, safe='')}"
    return f"{deps.ui_url}/{where}/required_actions?map_index=-1"


def tell_question(deps: Dependencies, kind: ApprovalKind, question: Mapping[str, Any], link: str, ordinal: int = 1) -> None:
    """Post what is proposed, who may answer, and where.

    `question` has proposal, requested_by and incident_id. Raises NotificationFailed when the channel failed.
    """
    approval = deps.policy.approvals[kind]
    needed = approval.approvers_needed
    several = (("Needed", f"{needed} different people; this question is for number {ordinal}"),) if needed > 1 else ()
    facts = (
        ("Approvers", ", ".join(approval.approvers)),
        *several,
        ("Asked by", question["requested_by"]),
        ("No answer", f"counts as Reject after {approval.valid_minutes} minutes"),
    )
    notice = action_notice(deps, question["incident_id"], "request_approval", question["proposal"], facts)
    notify(deps, replace(notice, links=(("Answer here", link), *notice.links)))
