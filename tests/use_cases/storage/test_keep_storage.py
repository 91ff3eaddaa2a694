"""What an upkeep makes, drops, leaves and tells: in memory, in the platform's database and in one of the guard's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from tests.adapters.guard_state.samples import a_reading, a_sensed_window, a_verdict, an_incident
from tests.triggers import T1

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.partitions import AHEAD, DROPS_AT_MOST, PARTITIONED
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.retention import Retention, least_days
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.status import guard_status
from ledger_guard.use_cases.reports.incident_record import incident_record
from ledger_guard.use_cases.storage.keep_storage import keep_storage

DAY, FIVE_MINUTES = timedelta(days=1), timedelta(minutes=5)
TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
NOW = TODAY + timedelta(hours=9)
LEAST = Retention(events_days=15, readings_days=15, verdicts_days=4, hours_days=60)
POLICY = load_policy().model_copy(update={"retention": LEAST})
KEEP = POLICY.retention


def window(days_ago: int) -> Window:
    """The first window of the day so many days ago; of today the newest one."""
    start = TODAY - days_ago * DAY if days_ago else NOW - FIVE_MINUTES
    return Window(start, FIVE_MINUTES)


def reading(days_ago: int, tenant_id: str = "tenant-a"):
    return replace(a_reading(tenant_id=tenant_id), window=window(days_ago))


def verdict(days_ago: int, severity: Severity = Severity.NONE, tenant_id: str = "tenant-a"):
    return replace(a_verdict(tenant_id=tenant_id), window=window(days_ago), severity=severity)


@dataclass
class Place:
    """A guard whose state is of one kind."""

    deps: Dependencies

    def store(self, readings=(), verdicts=(), incident=None) -> None:
        sensed = {each.window.start: a_sensed_window(0, window=each.window) for each in readings}
        with self.deps.state.transaction() as state:
            if incident:
                state.incidents.add(incident)
            state.readings.record(list(sensed.values()), list(readings))
            state.verdicts.record(list(verdicts), incident.incident_id if incident else None)

    def days_of_readings(self) -> list[int]:
        with self.deps.state.snapshot() as state:
            found = state.readings.readings(T1, NOW - 500 * DAY, NOW + 500 * DAY)
        return sorted({(TODAY - each.window.start.replace(hour=0, minute=0)).days for each in found})

    def keep_until_done(self) -> None:
        while keep_storage(self.deps).dropped:
            pass


def at(deps: Dependencies, now: datetime) -> Dependencies:
    return replace(deps, clock=SettableClock(now))


@pytest.fixture(params=["memory", *(pytest.param(each, marks=pytest.mark.postgres) for each in ("with_the_platform", "its_own"))])
def place(request: pytest.FixtureRequest) -> Place:
    deps = memory_world(POLICY, NOW).deps
    if request.param == "memory":
        return Place(deps)
    if request.param == "with_the_platform":
        return Place(replace(deps, state=PostgresGuardState(settings_of(request.getfixturevalue("database_uri")))))
    settings = settings_of(request.getfixturevalue("empty_database_uri"))
    upgrade(settings)
    return Place(replace(deps, state=PostgresGuardState(settings)))


def settings_of(uri: str) -> ConnectionSettings:
    return ConnectionSettings.parse(uri, "ledger_guard_db")


def test_the_first_upkeep_makes_all_that_is_kept_and_a_week_ahead_and_the_next_makes_nothing(place):
    made = keep_storage(place.deps)
    assert (made.problems, made.dropped) == ([], [])
    with place.deps.state.snapshot() as state:
        found = state.partitions.all()
    for table in PARTITIONED:
        own = [each.period for each in found if each.table == table.name]
        assert own[0].starts <= NOW - KEEP.keep(table.kept)
        assert own[-1].ends > NOW + AHEAD
    assert keep_storage(place.deps).made == []


def test_rows_that_came_before_the_first_upkeep_are_moved_and_none_is_lost(place):
    place.store([reading(0), reading(3)])
    assert keep_storage(place.deps).moved == 2
    assert place.days_of_readings() == [0, 3]


def test_a_day_of_readings_goes_when_its_newest_moment_is_older_than_what_is_kept_and_its_sums_stay(place):
    days = KEEP.readings_days
    place.store([reading(0), reading(days - 1)])
    keep_storage(at(place.deps, NOW - 3 * DAY))
    place.store([reading(days + 1), reading(days), reading(days + 2)])
    place.keep_until_done()
    # the day that many days ago still has moments that are younger: now is 9 in the morning
    assert place.days_of_readings() == [0, days - 1, days]
    with place.deps.state.snapshot() as state:
        sums = state.partitions.hours(T1, NOW - 500 * DAY, NOW)
    assert {(TODAY - each.hour_start).days for each in sums} == {days + 1, days + 2}


def test_what_is_dropped_stands_in_the_audit_log_with_the_policy_that_said_so(place):
    keep_storage(at(place.deps, NOW - 3 * DAY))
    place.store([reading(0), reading(KEEP.readings_days + 1)])
    dropped = keep_storage(place.deps).dropped
    with place.deps.state.snapshot() as state:
        entries = [each.event for each in state.audit.entries() if each.event.verb == "keep_storage"]
    assert [each.detail["partition"] for each in entries] == dropped
    assert any(name.startswith("signal_window_") for name in dropped)
    assert {each.detail["policy_hash"] for each in entries} == {POLICY.content_hash}


def test_an_incident_that_is_not_over_holds_what_it_may_read_and_lets_go_when_it_is(place):
    begun = KEEP.readings_days + 2
    keep_storage(at(place.deps, NOW - 15 * DAY))
    incident = an_incident(first_window_start=window(begun).start, last_alarm_window_start=window(begun).start)
    held = begun + POLICY.forgery.days_before + 1
    place.store([reading(0), reading(begun), reading(held), reading(held + 1)], [verdict(begun, Severity.SEVERE)], incident)
    place.keep_until_done()
    assert place.days_of_readings() == [0, begun, held]
    with place.deps.state.transaction() as state:
        state.incidents.save(replace(incident, status=IncidentStatus.RESOLVED, resolved_at=NOW))
    place.keep_until_done()
    assert place.days_of_readings() == [0]


@pytest.mark.parametrize("has_slices", [True, False], ids=["of slices", "in the default one, as upkeep was off for weeks"])
def test_the_report_of_an_incident_is_the_same_after_its_verdicts_were_dropped(place, has_slices):
    ago = KEEP.verdicts_days + 4
    begun = window(ago)
    if has_slices:
        keep_storage(at(place.deps, NOW - 10 * DAY))
    incident = an_incident(
        tenants=("tenant-a",),
        status=IncidentStatus.RESOLVED,
        resolved_at=NOW - (ago - 1) * DAY,
        first_window_start=begun.start,
        last_alarm_window_start=begun.start,
    )
    quiet = replace(verdict(ago), window=Window(begun.end, FIVE_MINUTES))
    place.store([reading(0)], [verdict(ago, Severity.SEVERE), quiet], incident)
    place.store([], [verdict(ago, tenant_id="tenant-b")])
    with place.deps.state.transaction() as state:
        state.verdicts.save_engine_state(T1, NOW, NOW, b"")
    before = incident_record(place.deps, incident.incident_id)
    place.keep_until_done()
    after = incident_record(place.deps, incident.incident_id)
    with place.deps.state.snapshot() as state:
        assert {each.tenant_id for each in state.verdicts.between(T1, begun.start, begun.end)} == {"tenant-a"}
    assert after.tenants == before.tenants
    assert after.tenants[0].severe_windows == 1


def test_a_clock_that_steps_ahead_drops_nothing_while_no_window_was_sensed_there(place):
    keep_storage(place.deps)
    place.store([reading(0), reading(KEEP.readings_days)])
    stepped = at(place.deps, NOW + 300 * DAY)
    assert keep_storage(stepped).dropped == []
    assert place.days_of_readings() == [0, KEEP.readings_days]


def test_a_clock_that_steps_ahead_and_is_believed_by_sensing_still_drops_nothing_young_by_the_databases_clock(place):
    # slices of a day later: none becomes old when the database's day changes while the tests run
    keep_storage(at(place.deps, NOW + DAY))
    ahead = Window(NOW + 300 * DAY, FIVE_MINUTES)
    place.store([reading(0), replace(reading(0, "tenant-b"), window=ahead)])
    found = keep_storage(at(place.deps, ahead.end))
    assert found.dropped == []
    assert any("not dropped" in each for each in found.problems)
    assert 0 in place.days_of_readings()


def test_a_clock_that_steps_back_makes_and_drops_nothing_wrong(place):
    keep_storage(place.deps)
    place.store([reading(0), reading(5)])
    assert keep_storage(at(place.deps, NOW - 200 * DAY)).dropped == []
    assert place.days_of_readings() == [0, 5]


def test_a_guard_that_comes_back_after_a_long_outage_drops_nothing_before_it_has_sensed_again(place):
    keep_storage(at(place.deps, NOW - 30 * DAY))
    place.store([reading(30), reading(40)])
    assert keep_storage(place.deps).dropped == []
    place.store([reading(0)])
    assert keep_storage(place.deps).dropped != []


def test_nothing_is_dropped_before_anything_was_sensed(place):
    keep_storage(at(place.deps, NOW - 100 * DAY))
    assert keep_storage(place.deps).dropped == []


def test_few_slices_go_in_one_run(place):
    keep_storage(at(place.deps, NOW - 100 * DAY))
    place.store([reading(0)])
    dropped = keep_storage(place.deps).dropped
    of_readings = [each for each in dropped if each.startswith("signal_window_")]
    assert len(of_readings) == DROPS_AT_MOST


def test_rows_that_come_when_they_are_too_old_are_stored_told_and_deleted_by_the_next_upkeep(place):
    keep_storage(place.deps)
    place.store([reading(0), reading(90)])
    assert any("rows of signal_window in its default partition: 1, from" in note for note in guard_status(place.deps).notes)
    assert keep_storage(place.deps).cleared == 1
    assert guard_status(place.deps).notes == ()
    assert place.days_of_readings() == [0]


def test_a_row_from_the_future_does_not_keep_old_rows_in_the_default_partition(place):
    keep_storage(place.deps)
    place.store([reading(0), reading(-20)])
    place.store([reading(90)])
    assert keep_storage(place.deps).cleared == 1
    assert place.days_of_readings() == [-20, 0]


def test_status_tells_when_no_partition_was_made_for_tomorrow(place):
    keep_storage(at(place.deps, NOW - 30 * DAY))
    (note,) = guard_status(place.deps).notes
    assert note.startswith("no partition for tomorrow: access_event, unreadable_line, ingest_reject, signal_window, verdict")
    keep_storage(place.deps)
    assert guard_status(place.deps).notes == ()


def test_a_slice_that_someone_took_away_is_made_again_and_its_rows_went_to_the_default_partition(place):
    keep_storage(place.deps)
    place.store([reading(0)])
    with place.deps.state.transaction() as state:
        old = next(each for each in state.partitions.all() if each.table == "signal_window" and each.period.ends < NOW - 5 * DAY)
        state.partitions.drop(old, 2 * DAY)
    days_ago = (TODAY - old.period.starts).days
    place.store([reading(days_ago)])
    assert keep_storage(place.deps).moved == 1
    assert place.days_of_readings() == [0, days_ago]


@pytest.mark.parametrize(("kept", "change"), [(kept, change) for kept in least_days(POLICY) for change in (-1, 0, 1)])
def test_the_least_that_is_kept_is_what_the_policy_check_allows(kept, change):
    least, _ = least_days(POLICY)[kept]
    policy = POLICY.model_copy(update={"retention": Retention.model_construct(**{**dict(KEEP), kept.value: least + change})})
    refused = policy.retention.keep(kept).days < least_days(policy)[kept][0]
    # the sums go with the readings' own length
    assert refused is (change < 0)


@pytest.fixture
def without_rights(database_uri) -> Callable[[], Dependencies]:
    """A guard whose role was set up before it got the right to make partitions."""
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute(roles_sql(POLICY, ROLE_NAMES))
        connection.execute(
            f"revoke execute on function ledger_guard.make_partition(text, timestamptz, timestamptz) from {ROLE_NAMES['guard']}"
        )
    uri = database_uri.replace("//postgres@", f"//{ROLE_NAMES['guard']}@")
    return replace(memory_world(POLICY, NOW).deps, state=PostgresGuardState(settings_of(uri)))


@pytest.mark.postgres
def test_a_guard_without_the_right_says_so_and_goes_on_storing(without_rights):
    with pytest.raises(SourceUnavailable, match=r"no partition for tomorrow of access_event.*permission denied"):
        keep_storage(without_rights)
    Place(without_rights).store([reading(0)])
    assert Place(without_rights).days_of_readings() == [0]
