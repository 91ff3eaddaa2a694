"""What a run's conf may hold."""

from __future__ import annotations

from airflow.sdk import get_current_context

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.shown_text import one_line


def refuse_unknown_conf() -> None:
    """Called by a DAG's first task: check that the run's conf has only keys of the DAG's form.

    Airflow accepts any key and passes it to every task as a param: a misspelt key silently means the default, and one named like
    a gate's field fills in the approver's form.

    Raises:
        BadInputError: names the keys, and those that are allowed. Start a new run.
    """
    context = get_current_context()
    allowed = sorted(context["dag"].params)
    unknown = sorted(set(context["dag_run"].conf or {}) - set(allowed))
    if unknown:
        named = ", ".join(repr(one_line(key)[:60]) for key in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise BadInputError(
            f"conf: the run has {named}, which {context['dag'].dag_id} does not know; allowed: {', '.join(allowed)}"
        )
