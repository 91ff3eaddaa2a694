"""That the guard is blind reaches people while its own database is away, once an hour."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from health_worlds import NOON, world_at

from ledger_guard.adapters.files.local_marker import FileMarker
from ledger_guard.adapters.memory.marker import InMemoryMarker
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import GuardStateUnavailable, NotificationFailed, SourceUnavailable
from ledger_guard.use_cases.health_check.tell_blind import tell_blind

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
AWAY = GuardStateUnavailable("database guard: connection refused")


@pytest.fixture(params=["memory", "file"])
def marker(request, tmp_path):
    return InMemoryMarker() if request.param == "memory" else FileMarker(tmp_path / "told")


@pytest.fixture
def world():
    """A guard whose own database is away."""
    found = world_at(NOON)

    def away():
        raise AWAY

    found.state.transaction = away
    found.state.snapshot = away
    return found


def test_people_are_told_by_the_channel_alone(world, marker):
    assert tell_blind(world.deps, marker, AWAY, "ledger_health_check, task T1.sense")
    (posted,) = world.notifier.posted
    assert posted.notice.title == "watch · the guard is blind"
    assert posted.notice.summary.startswith("Guard state does not answer (database guard: connection refused)")


@pytest.mark.parametrize(("later", "times"), [(HOUR - SECOND, 1), (HOUR, 2)], ids=["below", "at"])
def test_they_are_told_again_after_an_hour(world, marker, later, times):
    for _ in range(5):
        tell_blind(world.deps, marker, AWAY, "a task")
    world.wall_clock.advance(later)
    tell_blind(world.deps, marker, AWAY, "a task")
    assert len(world.notifier.posted) == times


def test_what_the_channel_refused_is_tried_again(world, marker):
    world.notifier.break_down("away too")
    with pytest.raises(NotificationFailed):
        tell_blind(world.deps, marker, AWAY, "a task")
    world.notifier.recover()
    assert tell_blind(world.deps, marker, AWAY, "a task")


def test_a_mark_from_the_future_holds_nobody_back(world, marker):
    marker.begin("guard_state", NOON + timedelta(days=1), HOUR)
    assert tell_blind(world.deps, marker, AWAY, "a task")


@pytest.mark.parametrize("damage", ["a file in its place", "others may write it", "a mark that is no time"])
def test_where_nothing_can_be_remembered_people_are_told_each_time(world, tmp_path, damage):
    folder = tmp_path / "told"
    if damage == "a file in its place":
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / "guard_state.told").write_text(NOON.isoformat() if damage == "others may write it" else "yesterday")
        folder.chmod(0o777 if damage == "others may write it" else 0o700)
    assert tell_blind(world.deps, FileMarker(folder), AWAY, "a task")


def test_guard_state_that_does_not_answer_is_told_from_a_source_that_does_not():
    state = PostgresGuardState(ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/guard", "ledger_guard_db"))
    with pytest.raises(GuardStateUnavailable), state.transaction():
        pass


@pytest.mark.postgres
def test_guard_state_that_is_not_migrated_is_one_too(empty_database_uri):
    state = PostgresGuardState(ConnectionSettings.parse(empty_database_uri, "ledger_guard_db"))
    with pytest.raises(GuardStateUnavailable), state.transaction() as transaction:
        transaction.audit.head()


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("dag_id", "error", "titles"),
    [
        ("ledger_health_check", AWAY, ["watch · the guard is blind"]),
        ("ledger_health_check", SourceUnavailable("a source"), ["sense · failed"] * 3),
        ("tenant_backfill", AWAY, ["sense · failed"] * 3),
    ],
    ids=["guard state", "another source", "a repair's own failure is told each time"],
)
def test_the_failed_tasks_of_health_checks_say_it_once_instead_of_each(
    world, tmp_path, monkeypatch, airflow_home, dag_id, error, titles
):
    from ledger_guard import wiring
    from ledger_guard.entrypoints.airflow.failure import tell_failure

    monkeypatch.setenv("LEDGER_GUARD_MARKER_DIR", str(tmp_path / "told"))
    for way in ("open_dependencies", "dependencies_that_tell"):
        monkeypatch.setattr(wiring, way, lambda: world.deps)
    run = SimpleNamespace(dag_id=dag_id, run_id="r", run_type="scheduled", triggering_user_name=None, conf={})
    for trigger in ("T1", "T2", "T3"):
        task = SimpleNamespace(dag_id=dag_id, run_id="r", task_id=f"{trigger}.sense", try_number=3)
        tell_failure({"ti": task, "dag_run": run, "exception": error})
    assert [posted.notice.title for posted in world.notifier.posted] == titles
