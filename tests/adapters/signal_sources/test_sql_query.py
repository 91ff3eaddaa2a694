"""A counting query of the user's: the same promises on every database that it is tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from mariadb_server import MariaDb, running_mariadb, why_there_is_none
from signal_worlds import NOON
from sqlalchemy import Engine, create_engine, text
from tests.triggers import T1

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.signal_sources.counted_rows import checked_readings
from ledger_guard.adapters.signal_sources.sql_query import SqlQuerySource
from ledger_guard.domain.errors import SourceUnavailable, UnusableAnswer
from ledger_guard.domain.signals import MoneyAtRisk, Reading
from ledger_guard.domain.windows import Window
from ledger_guard.policy.sources import SqlQuery

FIVE = timedelta(minutes=5)
AT_NOON = Window(NOON, FIVE)
COUNTS = (
    "select window_start, tenant_id, events, exposure, subjects from counts where window_start >= :start and window_start < :end"
)


@dataclass(frozen=True)
class Database:
    """A database of some kind, and how it writes times."""

    engine: Callable[[], Engine]
    times: str
    written: Callable[[datetime], object]
    column: str

    def holds(self, *rows: tuple[datetime, object, object, object, object]) -> None:
        engine = self.engine()
        with engine.begin() as connection:
            kinds = "tenant_id varchar(80), events numeric(20, 3), exposure numeric(20, 3), subjects numeric(20, 3)"
            connection.execute(text(f"create table counts (window_start {self.column}, {kinds})"))
            for start, *rest in rows:
                names = ("tenant_id", "events", "exposure", "subjects")
                values = {"window_start": self.written(start), **dict(zip(names, rest, strict=True))}
                connection.execute(
                    text("insert into counts values (:window_start, :tenant_id, :events, :exposure, :subjects)"), values
                )
        engine.dispose()

    def source(self, query: str = COUNTS, **fields: object) -> SqlQuerySource:
        section = SqlQuery.model_validate(
            {"kind": "sql", "connection": "metrics_db", "query": query, "times": self.times, **fields}
        )
        return SqlQuerySource(section, self.engine, SettableClock(NOON + timedelta(minutes=10)))


def sqlite(path: object) -> Database:
    return Database(
        lambda: create_engine(f"sqlite:///{path}"), "epoch_seconds", lambda moment: int(moment.timestamp()), "integer"
    )


def on_postgres(uri: str) -> Callable[[], Engine]:
    return lambda: create_engine(uri.replace("postgresql://", "postgresql+psycopg://"))


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    if why := why_there_is_none():
        pytest.skip(why)
    with running_mariadb() as server:
        yield server


@pytest.fixture
def on_mariadb(mariadb: MariaDb) -> Database:
    uri = mariadb.create_database()
    return Database(lambda: create_engine(uri), "utc", naive, "datetime(6)")


ON_POSTGRES = ("postgres", "postgres in UTC")


@pytest.fixture(params=["sqlite", "mariadb", "duckdb", *(pytest.param(kind, marks=pytest.mark.postgres) for kind in ON_POSTGRES)])
def database(request: pytest.FixtureRequest, tmp_path: object) -> Database:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return sqlite(f"{tmp_path}/counts.db")
    if request.param == "mariadb":
        found: Database = request.getfixturevalue("on_mariadb")
        return found
    if request.param == "duckdb":
        pytest.importorskip("duckdb_engine", reason="duckdb needs Python 3.11")
        return Database(
            lambda: create_engine(f"duckdb:///{tmp_path}/counts.duckdb"), "zoned", lambda moment: moment, "timestamptz"
        )
    engine = on_postgres(request.getfixturevalue("empty_database_uri"))
    if request.param == "postgres":
        return Database(engine, "zoned", lambda moment: moment, "timestamptz")
    return Database(engine, "utc", naive, "timestamp")


def row(start: datetime = NOON, tenant: object = "a", events: object = 3, exposure: object = 100, subjects: object = 2):
    return (start, tenant, events, exposure, subjects)


def test_counts_of_the_windows_that_are_asked_for_become_readings(database):
    later = AT_NOON.next
    database.holds(row(NOON - FIVE), row(tenant="b", events=0, subjects=0), row(), row(later.start, events=5), row(later.end))
    assert database.source().readings(T1, AT_NOON, later) == [
        Reading(T1, "a", AT_NOON, 3, 100, 2),
        Reading(T1, "b", AT_NOON, 0, 100, 0),
        Reading(T1, "a", later, 5, 100, 2),
    ]
    assert database.source().unmeasurable(T1, AT_NOON, later) == {}


def test_without_subjects_each_event_counts_as_one(database):
    database.holds(row(subjects=None))
    without = COUNTS.replace(", subjects from", " from")
    for query in (COUNTS, without):
        (found,) = database.source(query).readings(T1, AT_NOON, AT_NOON)
        assert found.subjects == 3


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([row(), row()], "tenant a: comes twice; allowed: one row for each"),
        ([row(NOON + timedelta(seconds=1))], "begins no window; allowed: every 5 minutes"),
        ([row(tenant=None)], "tenant_id:"),
        ([row(tenant="a%")], "tenant_id:"),
        ([row(events=-1)], "events '-1"),
        ([row(events=1.5)], "events '1.5"),
        ([row(exposure=None)], "exposure 'None'"),
        ([row(exposure=10**13)], "is no count"),
        ([row(subjects=-1)], "subjects '-1"),
    ],
    ids=["twice", "off the grid", "no tenant", "a pattern", "negative", "a part", "null", "absurd", "subjects"],
)
def test_an_answer_with_a_row_that_can_not_be_counts_for_nothing(database, rows, why):
    database.holds(*rows, row(tenant="good"))
    with pytest.raises(SourceUnavailable, match="connection metrics_db: ") as refused:
        database.source().readings(T1, AT_NOON, AT_NOON)
    assert why in str(refused.value)


def test_a_query_that_reads_beyond_what_it_is_asked_for_gives_no_data(database):
    database.holds(row(NOON - FIVE))
    beyond = COUNTS.replace("window_start >= :start", "(window_start >= :start or 1 = 1)")
    with pytest.raises(SourceUnavailable, match="lies outside of what was asked for; allowed: 2026-03-01T12:00:00Z to"):
        database.source(beyond).readings(T1, AT_NOON, AT_NOON)


def test_a_column_that_is_missing_is_named(database):
    database.holds(row())
    with pytest.raises(SourceUnavailable, match="column exposure: is missing; allowed: window_start, tenant_id,"):
        database.source(COUNTS.replace("exposure, ", "")).readings(T1, AT_NOON, AT_NOON)


@pytest.mark.parametrize(("most", "comes"), [(2, True), (1, False)], ids=["at", "above"])
def test_an_answer_is_bounded(database, most, comes):
    database.holds(row(), row(tenant="b"))
    source = database.source(most_rows=most)
    if comes:
        assert len(source.readings(T1, AT_NOON, AT_NOON)) == most
    else:
        with pytest.raises(SourceUnavailable, match="more than 1 rows came"):
            source.readings(T1, AT_NOON, AT_NOON)


def test_everything_counts_as_there_so_long_after_it_happened(database):
    assert database.source(complete_after_seconds=90).complete_through(T1) == NOON + timedelta(minutes=8, seconds=30)


def test_a_query_may_say_how_far_the_source_is_complete(database):
    database.holds()
    source = database.source(complete_query="select max(window_start) from counts")
    assert source.complete_through(T1) is None
    engine = database.engine()
    with engine.begin() as connection:
        connection.execute(text("insert into counts (window_start) values (:at)"), {"at": database.written(NOON)})
    engine.dispose()
    assert source.complete_through(T1) == NOON
    with pytest.raises(SourceUnavailable, match="complete_query gave no time: 'soon'"):
        database.source(complete_query="select 'soon'").complete_through(T1)


def test_of_several_moments_none_is_taken_for_the_one_through_which_the_source_is_complete(database):
    """A query that forgot its `max`, or groups by tenant: which row comes first is chance."""
    database.holds((NOON, "a", 0, 1, 0), (NOON + FIVE, "b", 0, 1, 0))
    with pytest.raises(SourceUnavailable, match=r"complete_query gave several rows; allowed: one row with one moment"):
        database.source(complete_query="select window_start from counts").complete_through(T1)


def test_a_query_that_fails_is_told_in_the_databases_words_without_the_statement(database):
    for ask in (
        lambda: database.source("select :start, :end from nowhere").readings(T1, AT_NOON, AT_NOON),
        lambda: database.source(complete_query="select * from nowhere").complete_through(T1),
    ):
        with pytest.raises(SourceUnavailable, match=r"connection metrics_db: .*nowhere") as refused:
            ask()
        assert "\n" not in str(refused.value)
        assert "select" not in str(refused.value)


def test_what_the_query_costs_is_told(database):
    database.holds(row())
    assert "counts" in " ".join(database.source().cost(T1, AT_NOON, AT_NOON)).lower()


@pytest.mark.postgres
def test_a_query_that_takes_too_long_is_ended_and_none_may_write(empty_database_uri):
    database = Database(on_postgres(empty_database_uri), "zoned", lambda moment: moment, "timestamptz")
    database.holds()
    slow = "select pg_sleep(30)::text as tenant_id, :start::timestamptz, :end::timestamptz"
    with pytest.raises(SourceUnavailable, match="statement timeout"):
        database.source(slow.replace("::timestamptz", ""), timeout_seconds=1).readings(T1, AT_NOON, AT_NOON)
    writing = "insert into counts (window_start) values (:start), (:end) returning window_start"
    with pytest.raises(SourceUnavailable, match="read-only transaction"):
        database.source(writing).readings(T1, AT_NOON, AT_NOON)


def test_on_mariadb_a_query_that_takes_too_long_is_ended_and_none_may_write(on_mariadb):
    on_mariadb.holds()
    slow = "select count(*) as events, :start, :end from seq_1_to_100000000 as a, seq_1_to_1000000 as b"
    with pytest.raises(SourceUnavailable, match="max_statement_time exceeded"):
        on_mariadb.source(slow, timeout_seconds=1).readings(T1, AT_NOON, AT_NOON)
    writing = "insert into counts (window_start) values (:start), (:end) returning window_start"
    with pytest.raises(SourceUnavailable, match="READ ONLY transaction"):
        on_mariadb.source(writing).readings(T1, AT_NOON, AT_NOON)


def test_on_mariadb_a_timestamp_is_read_in_utc_whatever_the_servers_zone(on_mariadb):
    engine = on_mariadb.engine()
    with engine.begin() as connection:
        connection.execute(text("set time_zone = '+00:00'"))
        connection.execute(text("create table refusals (at timestamp, tenant_id varchar(80), refused bool)"))
        for second in (0, 299, 300):
            at = naive(NOON + timedelta(seconds=second))
            connection.execute(text("insert into refusals values (:at, 'a', true), (:at, 'a', false)"), {"at": at})
    engine.dispose()
    # sum() of whole numbers is a decimal there
    counted = """
        select from_unixtime(floor(unix_timestamp(at) / 300) * 300) as window_start, tenant_id, sum(refused) as events,
            count(*) as exposure
        from refusals where at >= :start and at < :end group by 1, 2
    """
    [found] = on_mariadb.source(counted).readings(T1, AT_NOON, AT_NOON)
    assert found == Reading(T1, "a", AT_NOON, 2, 4, 2)
    written = counted.replace("from_unixtime(floor(unix_timestamp(at) / 300) * 300)", "date_format(min(at), '%Y-%m-%d %H:%i:%s')")
    assert on_mariadb.source(written.replace("group by 1, 2", "group by 2")).readings(T1, AT_NOON, AT_NOON) == [found]


@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:55:00Z",
        "10000-01-01T00:00:00Z",
        "infinity",
    ],
)
def test_a_time_at_the_end_of_the_calendar_is_refused_in_a_sentence(tmp_path, written):
    odd = f"select '{written}' as window_start, 'a' as tenant_id, 1 as events, 2 as exposure where :start <> :end"
    source = Database(sqlite(tmp_path / "counts.db").engine, "zoned", lambda moment: moment, "text").source(odd)
    with pytest.raises(UnusableAnswer, match=r"window_start .*allowed: "):
        source.readings(T1, AT_NOON, AT_NOON)


@pytest.mark.postgres
@pytest.mark.parametrize("written", ["infinity", "-infinity", "0044-03-15 BC", "294276-01-01", "9999-12-31 23:59:59-05"])
def test_a_time_that_only_the_database_knows_is_refused_too(empty_database_uri, written):
    database = Database(on_postgres(empty_database_uri), "zoned", lambda moment: moment, "timestamptz")
    odd = (
        f"select timestamptz '{written}' as window_start, 'a' as tenant_id, 1 as events, 2 as exposure"
        " where cast(:start as timestamptz) < cast(:end as timestamptz)"
    )
    with pytest.raises(SourceUnavailable, match="connection metrics_db: "):
        database.source(odd).readings(T1, AT_NOON, AT_NOON)
    with pytest.raises(SourceUnavailable, match="connection metrics_db: "):
        database.source(complete_query=f"select timestamptz '{written}'").complete_through(T1)


@pytest.mark.parametrize("name", ["events", "exposure", "subjects"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")], ids=str)
def test_a_count_that_is_no_number_is_refused(name, value):
    answer = {"window_start": NOON, "tenant_id": "a", "events": 1, "exposure": 2, "subjects": 1, name: value}
    with pytest.raises(UnusableAnswer, match=f"{name} .*: is no count"):
        checked_readings(T1, [answer], AT_NOON, AT_NOON, naive_is_utc=False)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29T01:55:00+01:00", "2026-03-29T00:55:00Z"),
        ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25T02:55:00+02:00", "2026-10-25T00:55:00Z"),
        ("2026-10-25T02:55:00+01:00", "2026-10-25T01:55:00Z"),
    ],
    ids=["before the hour that is left out", "after it", "the first of the hour that comes twice", "the second"],
)
def test_a_window_of_a_night_in_which_clocks_change_is_known_by_its_zone(local, utc):
    at = Window(datetime.fromisoformat(utc.replace("Z", "+00:00")), FIVE)
    answer = {"window_start": local, "tenant_id": "a", "events": 1, "exposure": 2}
    assert checked_readings(T1, [answer], at, at, naive_is_utc=False) == [Reading(T1, "a", at, 1, 2, 1)]


def test_a_time_without_a_zone_is_refused_where_the_policy_says_that_times_have_one(tmp_path):
    database = sqlite(tmp_path / "counts.db")
    naive = "select '2026-03-01 12:00:00' as window_start, 'a' as tenant_id, 1 as events, 2 as exposure where :start <> :end"
    with pytest.raises(SourceUnavailable, match="a time with a zone; for one in UTC set `times: utc`"):
        Database(database.engine, "zoned", database.written, "text").source(naive).readings(T1, AT_NOON, AT_NOON)
    utc = Database(database.engine, "utc", database.written, "text").source(naive)
    assert utc.readings(T1, AT_NOON, AT_NOON) == [Reading(T1, "a", AT_NOON, 1, 2, 1)]


def test_a_database_that_is_not_there(tmp_path):
    with pytest.raises(SourceUnavailable, match="connection metrics_db: "):
        sqlite(tmp_path / "no folder" / "counts.db").source().complete_through(T1)


@pytest.mark.parametrize("query", ["select 1", "select :start", "select :end, ::start", "select :started, :ending"])
def test_a_query_that_is_not_bounded_is_refused_by_the_policy(query):
    with pytest.raises(ValueError, match="has no :"):
        SqlQuery.model_validate({"kind": "sql", "connection": "metrics_db", "query": query, "times": "utc"})


@pytest.mark.parametrize(
    ("cents", "events", "money"),
    [
        pytest.param("1240000", 3, MoneyAtRisk(1_240_000), id="known"),
        pytest.param("0", 3, MoneyAtRisk(0), id="nothing, which is known"),
        pytest.param("null", 3, MoneyAtRisk(None, 3), id="null: not known, never 0"),
        pytest.param("null", 0, MoneyAtRisk(0), id="null without an event"),
        pytest.param("1000000000000000", 3, MoneyAtRisk(10**15), id="the most"),
        pytest.param("1000000000000001", 3, MoneyAtRisk(None, 3), id="more: not known, and the events still count"),
        pytest.param("-1", 3, MoneyAtRisk(None, 3), id="negative"),
        pytest.param("1.5", 3, MoneyAtRisk(None, 3), id="parts of a cent"),
        pytest.param("'many'", 3, MoneyAtRisk(None, 3), id="a text"),
    ],
)
def test_money_is_read_where_the_query_has_it(database, cents, events, money):
    database.holds(row(events=events, subjects=0))
    with_cents = COUNTS.replace(", subjects from", f", subjects, {cents} as cents from")
    assert [found.money for found in database.source(with_cents).readings(T1, AT_NOON, AT_NOON)] == [money]


def test_a_query_without_money_tells_none(database):
    database.holds(row())
    assert [found.money for found in database.source().readings(T1, AT_NOON, AT_NOON)] == [None]


@pytest.mark.parametrize("cents", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("inf"), True])
def test_money_that_no_number_is_like_is_not_known(cents):
    counted = {"window_start": NOON, "tenant_id": "a", "events": 3, "exposure": 100, "cents": cents}
    [found] = checked_readings(T1, [counted], AT_NOON, AT_NOON, naive_is_utc=False)
    assert found.money == MoneyAtRisk(None, 3)
