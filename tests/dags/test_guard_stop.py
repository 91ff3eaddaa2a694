"""guard_stop, run by Airflow in this process: the order is on record in the name of whoever started the run."""

from __future__ import annotations

import psycopg
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

WHY = "two tenants were paid twice"


def orders(platform) -> list[tuple[str, str, bool]]:
    """Verb, person and whether a login proved who it was."""
    query = "select verb, actor, (detail->>'is_proved')::boolean from ledger_guard.audit_entry where subject = 'guard'"
    with psycopg.connect(platform.uri) as connection:
        return connection.execute(f"{query} and verb in ('stop', 'release') order by sequence").fetchall()


def test_a_person_stops_the_guard_and_may_not_release_it(platform, channel, run_dag):
    assert run_dag("guard_stop", {"order": "stop", "reason": WHY})["run"] == "success"
    ((verb, person, is_proved),) = orders(platform)
    assert (verb, is_proved) == ("stop", True)
    assert run_dag("guard_stop", {"order": "release", "reason": "it was a test payment"})["obey"] == "failed"
    assert orders(platform) == [("stop", person, True)]
    assert any("GUARD STOPPED" in message["text"] for message in channel.messages)


def test_while_it_is_stopped_a_backfill_plans_and_writes_nothing(platform, channel, run_dag):
    run_dag("guard_stop", {"order": "stop", "reason": WHY})
    states = run_dag("tenant_backfill", {"tenant_id": "acme", "operation": "backfill"})
    assert (states["dry_run"], states["force"], states["run"]) == ("success", "failed", "failed")
    wrong = "select count(*) from walletbalance where tenant_id = 'acme' and balance_real_available = 40"
    assert platform.run(wrong) == 3


@pytest.mark.parametrize("conf", [{"order": "stop"}, {"order": "halt", "reason": WHY}, {"reason": "short"}], ids=str)
def test_an_order_without_a_reason_or_with_an_unknown_word_is_refused(platform, channel, run_dag, conf):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_dag("guard_stop", conf)
    assert orders(platform) == []
