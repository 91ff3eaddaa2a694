"""Break glass in a DAG: the field of its form, and the task that announces it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, task

from ledger_guard.domain.people import entry_in_words
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.policy.schema import BreakGlass
from ledger_guard.use_cases.approvals import break_glass as breaking


def break_glass_params(glass: BreakGlass, *, may_act_alone: bool) -> dict[str, Param]:
    """The form's field, if the policy lets anyone act alone; else empty."""
    if not may_act_alone:
        return {}
    allowed = ", ".join(map(entry_in_words, glass.users))
    words = f"Only {allowed}. Why no one else can approve, in at least {glass.minimum_reason_characters} characters."
    field = Param("", type="string", maxLength=500, title="Break glass: act alone", description=words, section="Break glass")
    return {breaking.PARAM: field}


@task(retries=3, on_failure_callback=None)  # type: ignore[untyped-decorator]  # Airflow ships no types for it
def shout(dag_run: Any = None) -> None:
    """Announce that the glass was broken. Fails alone when the channel is down."""
    breaking.shout(open_dependencies(), dag_run.dag_id, dag_run.run_id)
