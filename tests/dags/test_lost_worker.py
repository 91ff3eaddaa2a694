"""A write whose worker or database is lost half-way goes on by itself; people hear how far it came, once, and how it ended."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

BACKFILL = {"tenant_id": "acme", "operation": "backfill"}


@pytest.fixture
def lost_after(monkeypatch):
    """Batches of one row, of which the writer is lost before every one that is named here, counted from 1 over all tries."""
    from ledger_guard.adapters.postgres.backfill_at_once import AtOnceBatches
    from ledger_guard.adapters.postgres.backfill_journal import BackfillJournal
    from ledger_guard.domain.errors import SourceUnavailable

    next_batch, write = BackfillJournal.next_batch, AtOnceBatches.write
    begun, lost = [], set()

    def written(self, batch):
        begun.append(batch)
        if len(begun) in lost:
            raise SourceUnavailable("the server closed the connection")
        return write(self, batch)

    monkeypatch.setattr(BackfillJournal, "next_batch", lambda self, after, _limit: next_batch(self, after, 1))
    monkeypatch.setattr(AtOnceBatches, "write", written)
    return lost


def texts(channel, *tasks: str) -> list[str]:
    """What was posted of these tasks, without whom it calls."""
    found = [message["text"].removeprefix("<!here> ") for message in channel.messages]
    return [text for text in found if text.split(" · ")[0] in tasks]


def action(platform) -> tuple[str, str]:
    words = platform.run("select status || '|' || split_part(outcome, ';', 1) from ledger_guard.action where kind = 'backfill'")
    return tuple(words.split("|"))


def test_a_force_that_is_lost_half_way_goes_on_by_itself_and_ends_well(platform, channel, run_dag, lost_after):
    lost_after.add(2)
    incident = platform.open_incident()
    states = run_dag("tenant_backfill", {**BACKFILL, "incident_id": incident})
    assert (states["run"], states["force"], states["close"]) == ("success", "success", "success")
    assert platform.run("select count(*) from walletbalance where tenant_id = 'acme' and balance_real_available <> 100") == 0
    assert platform.run("select count(*) from ledger_guard.before_image") == 3
    retried, ended = texts(channel, "force", "close")
    assert retried.startswith(
        "force · tried again: tenant_backfill could not finish force: stopped after 1 of 3 rows; goes on by"
    )
    assert ended.startswith("close · ended well: tenant_backfill went on and ended well: forced: 3 rows written")
    assert action(platform) == ("done", "by hand: forced: 3 rows written")


def test_once_its_retries_are_used_up_people_hear_after_how_many_rows_and_what_to_do_once(platform, channel, run_dag, lost_after):
    lost_after.update(range(2, 100))
    incident = platform.open_incident()
    states = run_dag("tenant_backfill", {**BACKFILL, "incident_id": incident})
    assert (states["run"], states["force"], states["close"]) == ("failed", "failed", "failed")
    *retried, failed = texts(channel, "force", "close")
    assert len(retried) == 3
    stopped = "tenant_backfill could not finish force: stopped after 1 of 3 rows"
    assert failed.startswith(f"force · failed: {stopped}; clear task force and what follows it to go on; the server closed")
    assert action(platform) == ("failed", "by hand: stopped after 1 of 3 rows")


@pytest.fixture
def told(monkeypatch):
    from datetime import datetime, timezone

    from ledger_guard import wiring
    from ledger_guard.adapters.memory.dependencies import memory_world
    from ledger_guard.policy.loader import load_policy

    world = memory_world(load_policy(), datetime(2026, 3, 1, tzinfo=timezone.utc))
    for way in ("open_dependencies", "dependencies_that_tell"):
        monkeypatch.setattr(wiring, way, lambda: world.deps)
    return lambda: [each.notice for each in world.notifier.posted]


def context(exception=None, try_number: int = 1, run_after: str = "12:00") -> dict[str, object]:
    """What Airflow calls with; for a task that it gave up from outside it names no exception."""
    task = SimpleNamespace(dag_id="tenant_backfill", run_id="r", task_id="force", try_number=try_number, map_index=-1)
    run = SimpleNamespace(
        dag_id="tenant_backfill", run_id="r", run_type="manual", triggering_user_name="oncall", conf={}, run_after=run_after
    )
    return {"ti": task, "dag_run": run} | ({"exception": exception} if exception else {})


def test_a_lost_worker_is_told_once_though_airflow_calls_twice_and_with_a_reason(told, airflow_home):
    from ledger_guard.entrypoints.airflow.failure import tell_write_failure

    tell_write_failure(context())
    tell_write_failure(context())
    (notice,) = told()
    go_on, lost = "clear task force and what follows it to go on", "its worker was lost or its process killed"
    assert notice.summary == f"tenant_backfill could not finish force: {go_on}; {lost}"


def test_the_next_try_and_a_run_made_anew_under_the_same_id_are_told(told, airflow_home):
    from ledger_guard.entrypoints.airflow.failure import tell_write_failure

    for each in (context(), context(try_number=2), context(run_after="13:00")):
        tell_write_failure(each)
    assert len(told()) == 3


@pytest.mark.parametrize("by_own_run", [True, False])
def test_a_writer_that_was_passed_by_its_own_run_says_nothing_and_one_passed_by_another_does(told, airflow_home, by_own_run):
    from airflow.sdk.exceptions import AirflowFailException

    from ledger_guard.domain.errors import WriterSuperseded
    from ledger_guard.entrypoints.airflow.errors import never_retried
    from ledger_guard.entrypoints.airflow.failure import tell_write_failure

    with pytest.raises(AirflowFailException) as failed, never_retried():
        raise WriterSuperseded("another writer goes on", by_own_run=by_own_run)
    tell_write_failure(context(failed.value))
    assert len(told()) == (0 if by_own_run else 1)


def test_tries_of_one_run_are_told_from_those_of_a_run_made_anew_under_its_id(airflow_home):
    from ledger_guard.entrypoints.airflow.runs import writer_claim

    first, second, anew = (
        writer_claim(each["ti"], each["dag_run"])
        for each in (context(), context(try_number=2), context(try_number=3, run_after="13:00"))
    )
    assert second.is_later_than(first)
    assert not anew.is_later_than(second)
