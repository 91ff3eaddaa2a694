"""A session is what it was asked to be, whatever the login's and the database's defaults are, or it is refused."""

from __future__ import annotations

import psycopg
import pytest
from session_servers import defaults

from ledger_guard.adapters.postgres.session import AskedSession, SessionWishes
from ledger_guard.domain.errors import SourceUnavailable

ODD = {
    "default_transaction_isolation": "serializable",
    "datestyle": "German, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Kolkata",
    "extra_float_digits": "-3",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "row_security": "on",
    "synchronous_commit": "off",
    "client_encoding": "LATIN1",
    "search_path": "nowhere",
    "statement_timeout": "20ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "40ms",
    "idle_session_timeout": "300ms",
}


def shown(connection, *names: str) -> list[str]:
    return [connection.execute("select current_setting(%s) as it", [name]).fetchone()["it"] for name in names]


@pytest.mark.postgres
def test_nothing_of_the_databases_own_defaults_is_left(platform_uri, settings):
    with (
        defaults(platform_uri, **ODD),
        settings.open("test", statement_timeout_seconds=7, lock_timeout_milliseconds=30) as opened,
    ):
        found = dict(zip(ODD, shown(opened, *ODD), strict=True))
    assert found == {
        "default_transaction_isolation": "read committed",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
        "timezone": "UTC",
        "extra_float_digits": "1",
        "bytea_output": "hex",
        "standard_conforming_strings": "on",
        "array_nulls": "on",
        "row_security": "off",
        "synchronous_commit": "on",
        "client_encoding": "UTF8",
        "search_path": "pg_catalog",
        "statement_timeout": "7s",
        "lock_timeout": "30ms",
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
    }


@pytest.mark.postgres
def test_amounts_are_read_as_they_stand(platform_uri, settings):
    with defaults(platform_uri, extra_float_digits="-3"), settings.open("test", read_only=True) as opened:
        row = opened.execute("select 12345678901.45::float8 as amount, 12345678901.45::float8::text as text").fetchone()
    assert row == {"amount": 12345678901.45, "text": "12345678901.45"}


@pytest.mark.postgres
def test_what_only_reads_can_not_write_and_what_writes_finds_what_the_platforms_triggers_name(settings):
    with settings.open("test", read_only=True) as reader:
        assert shown(reader, "transaction_read_only") == ["on"]
    with settings.open("test", schema="public", idle_in_transaction_seconds=9) as writer:
        assert shown(writer, "transaction_read_only", "idle_in_transaction_session_timeout") == ["off", "9s"]
        assert writer.execute("select 'walletbalance'::regclass::text as it").fetchone() == {"it": "walletbalance"}


@pytest.mark.postgres
def test_a_connections_own_options_stay_where_they_say_nothing_else(platform_uri):
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    uri = f"{platform_uri}&options=-c%20work_mem%3D9MB%20-c%20timezone%3DAsia/Kolkata"
    with ConnectionSettings.parse(uri, "ledger_db").open("test") as opened:
        assert shown(opened, "work_mem", "timezone") == ["9MB", "UTC"]


@pytest.mark.postgres
def test_an_environment_that_wins_over_what_is_asked_is_refused(settings, monkeypatch):
    monkeypatch.setenv("PGDATESTYLE", "German")
    with pytest.raises(SourceUnavailable, match=r"DateStyle is 'German, DMY' .* opened with 'ISO, MDY'.*PGDATESTYLE"):
        settings.open("test")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("default", "found", "for_reading"),
    [
        pytest.param(
            {"session_replication_role": "replica"}, "session_replication_role is 'replica'", "refused", id="no triggers"
        ),
        pytest.param(
            {"default_transaction_read_only": "on"}, "default_transaction_read_only is 'on'", "allowed", id="no writes wanted"
        ),
    ],
)
def test_a_default_that_is_someones_will_is_obeyed_and_not_overridden(platform_uri, settings, default, found, for_reading):
    with defaults(platform_uri, **default):
        with pytest.raises(SourceUnavailable, match=found):
            settings.open("test")
        if for_reading == "refused":
            with pytest.raises(SourceUnavailable, match=found):
                settings.open("test", read_only=True)
        else:
            settings.open("test", read_only=True).close()


@pytest.mark.postgres
def test_a_session_that_is_refused_is_closed(platform_uri, settings):
    with defaults(platform_uri, default_transaction_read_only="on"), pytest.raises(SourceUnavailable):
        settings.open("refused")
    with psycopg.connect(platform_uri) as connection:
        query = "select count(*) from pg_stat_activity where application_name = 'ledger_guard/refused' and state <> 'idle'"
        assert connection.execute(query).fetchone() == (0,)


# --- the check by itself -----------------------------------------------------------------------------------------------

WRITER = SessionWishes(read_only=False, statement_timeout_seconds=60, lock_timeout_milliseconds=2000)
READER = SessionWishes(read_only=True, statement_timeout_seconds=60, lock_timeout_milliseconds=2000)


def as_asked(asked: AskedSession, **unlike: str) -> list[dict[str, object]]:
    """The rows of a session that got all it asked for, but for `unlike`."""
    options = dict(part.split("=", 1) for part in asked.options.replace("\\ ", "\0").split("-c ")[1:])
    mark = options.pop("ledger_guard.session").strip()
    found = {name: text.strip().replace("\0", " ") for name, text in options.items()} | {"client_encoding": "UTF8"} | unlike
    return [{"name": name, "setting": text, "mark": mark, "is_replica": False} for name, text in found.items()]


def test_a_session_that_got_all_it_asked_for_passes():
    asked = AskedSession("platform", WRITER)
    assert asked.check(as_asked(asked)) is False


def test_another_sessions_mark_is_as_bad_as_none():
    asked, other = AskedSession("platform", WRITER), AskedSession("platform", WRITER)
    with pytest.raises(SourceUnavailable, match="database platform: a pooler in between"):
        asked.check(as_asked(other))


def test_a_server_that_would_end_long_transactions_is_reported():
    asked = AskedSession("platform", READER)
    with pytest.raises(SourceUnavailable, match="transaction_timeout is '150', allowed: '0'"):
        asked.check(as_asked(asked, transaction_timeout="150"))


@pytest.mark.parametrize(
    ("lag", "is_paused", "words"),
    [
        pytest.param(0.0, False, None, id="caught up"),
        pytest.param(30.0, False, None, id="as far behind as allowed"),
        pytest.param(30.5, False, "30 s behind its primary, allowed: 30 s", id="a little further"),
        pytest.param(None, False, "whose lag is not known", id="nothing tells"),
        pytest.param(0.0, True, "replay is paused", id="paused, whatever it says of its lag"),
    ],
)
def test_a_replica_is_believed_up_to_its_bound(lag, is_paused, words):
    asked, found = AskedSession("platform", READER), {"lag_seconds": lag, "is_paused": is_paused}
    if words is None:
        asked.check_replica(found)
    else:
        with pytest.raises(SourceUnavailable, match=words):
            asked.check_replica(found)
