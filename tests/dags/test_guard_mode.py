"""guard_mode, run by Airflow in this process: the change is on record in the name of whoever started the run."""

from __future__ import annotations

import psycopg
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

LOWER = {"order": "lower", "row": "T3 severe", "to": "propose", "reason": "two repairs were wrong"}


def changes(platform) -> list[tuple[str, str, bool]]:
    """Verb, the new mode and whether a login proved who it was."""
    query = "select verb, detail->>'to', (detail->>'is_proved')::boolean from ledger_guard.audit_entry where subject = 'modes'"
    with psycopg.connect(platform.uri) as connection:
        return connection.execute(f"{query} and verb <> 'see_modes' order by sequence").fetchall()


def test_a_person_lowers_a_mode_and_raises_none_without_being_an_approver(platform, channel, run_dag):
    assert run_dag("guard_mode", LOWER)["run"] == "success"
    raised = run_dag("guard_mode", {**LOWER, "order": "raise", "to": "act"})
    assert (raised["obey"], changes(platform)) == ("failed", [("lower_mode", "propose", True)])


@pytest.mark.parametrize(
    "change",
    [{"row": "T9 severe"}, {"to": "auto"}, {"order": "toggle"}, {"reason": "short"}],
    ids=lambda change: next(iter(change)),
)
def test_an_unknown_word_and_a_missing_reason_are_refused(platform, channel, run_dag, change):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_dag("guard_mode", {**LOWER, **change})
    assert changes(platform) == []
