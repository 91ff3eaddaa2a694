"""A DAG's tasks on guard state of another release: the first one refuses, may be retried, and people are told why."""

from __future__ import annotations

import pytest
from tests.other_releases import AHEAD, OURS, SENTENCES, say

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]


def test_a_dags_first_task_refuses_and_people_are_told(platform, channel, run_dag):
    wallets = platform.wallets()
    say(platform.uri, AHEAD)
    states = run_dag("tenant_backfill", {"tenant_id": "acme"})
    assert (states["dry_run"], states["force"], states["run"]) == ("failed", "upstream_failed", "failed")
    assert platform.wallets() == wallets
    assert [message["text"] for message in channel.messages if SENTENCES["ahead"] in str(message)]
    say(platform.uri, OURS)
    assert run_dag("tenant_backfill", {"tenant_id": "acme"})["dry_run"] == "success"


def test_a_refusal_may_be_retried_after_the_upgrade(platform, channel, monkeypatch):
    """It is no rule that a person has to answer: a task that began during an upgrade goes on after it."""
    from ledger_guard.domain.errors import SchemaMismatch
    from ledger_guard.entrypoints.airflow.adapters import open_dependencies
    from ledger_guard.entrypoints.airflow.errors import never_retried

    say(platform.uri, AHEAD)
    with pytest.raises(SchemaMismatch), never_retried():
        open_dependencies()
    say(platform.uri, OURS)
    assert open_dependencies().state is not None
