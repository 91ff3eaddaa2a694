"""Database connections: from an Airflow connection's text to an open psycopg session with its bounds set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader
from typing_extensions import LiteralString

from ledger_guard.adapters.postgres.session import (
    CLIENT_ENCODING,
    MOST_REPLICA_LAG_SECONDS,
    AskedSession,
    SessionWishes,
    connect_advice,
)
from ledger_guard.domain.errors import BadInputError, GuardStateUnavailable, SourceUnavailable
from ledger_guard.sql import statement

Row = dict[str, Any]
Connection = psycopg.Connection[Row]


def split_uri(text: str, what: str) -> SplitResult:
    """The parts of a database's URI; raises BadInputError, without any of it, when a sign in the password takes it apart."""
    try:
        parts = urlsplit(text)
        # reading the port is what finds a part of a password in its place
        is_whole = parts.port is None or parts.port >= 0
    except ValueError:
        is_whole = False
    else:
        # what stands behind such a sign would be taken for a database, a host or a parameter, and be shown as one
        is_whole = is_whole and "#" not in text and "@" not in parts.path + parts.query
    if not is_whole:
        raise BadInputError(
            f"{what}: the URI is broken by a character of its login, password or port; allowed: a port of digits, and the signs "
            "/ # ? @ : [ ] % written as %2F %23 %3F %40 %3A %5B %5D %25"
        )
    return parts


@dataclass(frozen=True)
class ConnectionSettings:
    """Where a database is. `parameters` are libpq keywords; the password among them is never printed."""

    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str, what: str) -> ConnectionSettings:
        """Read a connection as Airflow does, from a URI (`postgresql://user:pw@host:5432/db?sslmode=…`) or from JSON.

        Raises:
            BadInputError: neither form; `what` names the connection in the message, the text itself is not shown.
        """
        allowed = "a postgres:// or postgresql:// URI, or Airflow's JSON form"
        if text.lstrip().startswith("{"):
            try:
                found = json.loads(text)
            except json.JSONDecodeError as error:
                raise BadInputError(f"connection {what}: is not JSON ({error.msg}); allowed: {allowed}") from error
            return cls.from_fields(found, what)
        parts = split_uri(text, f"connection {what}")
        if parts.scheme.split("+")[0] not in ("postgres", "postgresql"):
            raise BadInputError(f"connection {what}: has scheme {parts.scheme!r}; allowed: {allowed}")
        return cls.from_fields(
            {
                "host": unquote(parts.hostname) if parts.hostname else None,
                "port": parts.port,
                "login": unquote(parts.username) if parts.username else None,
                "password": unquote(parts.password) if parts.password else None,
                "schema": unquote(parts.path.lstrip("/")),
                "extra": dict(parse_qsl(parts.query)),
            },
            what,
        )

    @classmethod
    def from_fields(cls, fields: dict[str, Any], what: str) -> ConnectionSettings:
        """Build from the fields of an Airflow connection; `extra` may be JSON text and wins over the other fields."""
        extra = fields.get("extra") or {}
        if isinstance(extra, str):
            extra = json.loads(extra)
        known = {
            "host": fields.get("host"),
            "port": fields.get("port"),
            "user": fields.get("login"),
            "password": fields.get("password"),
            "dbname": fields.get("schema"),
        }
        accepted = (
            "host",
            "port",
            "sslmode",
            "sslrootcert",
            "sslcert",
            "sslkey",
            "options",
            "target_session_attrs",
            "connect_timeout",
        )
        known.update({key: value for key, value in extra.items() if key in accepted})
        parameters = tuple(sorted((key, str(value)) for key, value in known.items() if value not in (None, "")))
        if "dbname" not in dict(parameters):
            raise BadInputError(f'connection {what}: names no database; allowed: …/DATABASE in the URI, or "schema" in JSON')
        return cls(parameters)

    def is_same_database(self, other: ConnectionSettings) -> bool:
        """Whether both name one database of one server, whoever logs in."""
        return self._place() == other._place()

    def _place(self) -> tuple[str | None, str, str | None]:
        named = dict(self.parameters)
        return named.get("host"), named.get("port", "5432"), named.get("dbname")

    def __repr__(self) -> str:
        shown = {key: value for key, value in self.parameters if key != "password"}
        return f"ConnectionSettings({shown})"

    def open(
        self,
        application: str,
        *,
        read_only: bool = False,
        statement_timeout_seconds: int = 60,
        lock_timeout_milliseconds: int = 2000,
        idle_in_transaction_seconds: int = 0,
        schema: str | None = None,
        needs_primary: bool | None = None,
        most_replica_lag_seconds: int = MOST_REPLICA_LAG_SECONDS,
        revision: str | None = None,
    ) -> Connection:
        """Open a session that is what session.py asks for, and see that it is: every statement bounded, every text of one form.

        `schema` is where functions that the session sets off (the platform's triggers) find their tables. What writes needs the
        primary, and so may what only reads. Guard state is opened by schema_revision.py, which gives its `revision`.

        Raises:
            SourceUnavailable: the server did not answer or refused the login; what stands in between does not pass on what the
                session was opened with; it is a replica that can't do what is asked or is not to be believed.
        """
        wishes = SessionWishes(
            read_only=read_only,
            statement_timeout_seconds=statement_timeout_seconds,
            lock_timeout_milliseconds=lock_timeout_milliseconds,
            idle_in_transaction_seconds=idle_in_transaction_seconds,
            schema=schema,
            needs_primary=not read_only if needs_primary is None else needs_primary,
            most_replica_lag_seconds=most_replica_lag_seconds,
            revision=revision,
        )
        database = dict(self.parameters)["dbname"]
        asked = AskedSession(database, wishes)
        parameters: dict[str, Any] = dict(self.parameters)
        # Of two settings of one name the later one counts: ours.
        parameters["options"] = f"{parameters.get('options', '')} {asked.options}".strip()
        parameters.setdefault("connect_timeout", "10")
        try:
            connection = psycopg.connect(
                application_name=f"ledger_guard/{application}",
                client_encoding=CLIENT_ENCODING,
                row_factory=dict_row,
                autocommit=True,
                **parameters,
            )
        except psycopg.OperationalError as error:
            message = _one_line(error)
            raise SourceUnavailable(f"database {database}: {message}{connect_advice(message)}") from error
        try:
            _check(connection, asked)
        except psycopg.Error as error:
            connection.close()
            raise SourceUnavailable(f"database {database}: {_one_line(error)}") from error
        except SourceUnavailable:
            connection.close()
            raise
        connection.autocommit = False
        # ids are text everywhere in the guard
        connection.adapters.register_loader("uuid", TextLoader)
        return connection


def _check(connection: Connection, asked: AskedSession) -> None:
    if asked.check(connection.execute(statement("session/read_session"), {"names": asked.names}).fetchall()):
        asked.check_replica(connection.execute(statement("session/read_replica")).fetchone() or {})


#: what errors about the guard's own tables name; elsewhere the schema's name tells
GUARD_STATE = "guard state"
_MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName)


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Turn driver errors that mean "the source is away or not as expected" into SourceUnavailable, naming `what`.

    About guard state it is GuardStateUnavailable.
    """
    away = GuardStateUnavailable if what == GUARD_STATE else SourceUnavailable
    try:
        yield
    except _MISSING as error:
        raise away(f"{what}: {_missing(what, error)}") from error
    except psycopg.OperationalError as error:
        raise away(f"{what}: {_one_line(error)}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise away(f"{what}: {_one_line(error)}{_row_security_advice(error)}") from error
    except (psycopg.errors.UndefinedFunction, psycopg.errors.DatatypeMismatch) as error:
        # A mapped column of an unexpected type: no function or operator fits it.
        raise away(f"{what}: {_one_line(error)}") from error


def compose(text: LiteralString, **identifiers: str) -> sql.Composed:
    """Put quoted identifiers (from the policy's allow-listed names) into a statement's `{placeholders}`."""
    return sql.SQL(text).format(**{key: sql.Identifier(*name.split(".")) for key, name in identifiers.items()})


def _row_security_advice(error: psycopg.errors.InsufficientPrivilege) -> str:
    # Only the place in the server's source tells it from any other missing right, whatever language the message is in.
    if error.diag.source_function != "check_enable_rls":
        return ""
    return "; the guard must see every row: `alter role … bypassrls` for its login (no policy is enough)"


def _missing(what: str, error: psycopg.Error) -> str:
    """What is missing, without the statement's text; for the guard's own tables, what creates them."""
    message = error.diag.message_primary or _one_line(error)
    is_guards = what == GUARD_STATE or "ledger_guard" in message
    return f"{message}; needed: run `python -m ledger_guard db upgrade`" if is_guards else message


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
