"""Policy sections for the sources of triggers: one shape per kind of source."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from ledger_guard.policy.section import Section
from ledger_guard.policy.words import ConnectionId, HttpUrl


class Source(Section):
    """Common base of all kinds."""

    kind: str
    #: the source compares the current state: it has no past, and it counts the same things again in each window
    speaks_of_now_alone: ClassVar[bool] = False
    #: it names the subject of each event
    names_subjects: ClassVar[bool] = False
    #: its numbers are counted elsewhere, by what may be stuck
    is_counted_elsewhere: ClassVar[bool] = False
    #: it can tell the money that its events are about
    tells_money: ClassVar[bool] = True


class AccessEvents(Source):
    """Requests of the ingested access log: which of them count, and which of those are failures."""

    names_subjects: ClassVar[bool] = True

    kind: Literal["access_events"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    #: the whole path, or what it begins with when `path_is_prefix`
    path: str = Field(pattern=r"^/")
    path_is_prefix: bool = False
    status: int = Field(ge=100, le=599)
    error_code: str = Field(min_length=1)
    #: failures without a code are taken for others, even if no error had one in days: as a log that lacks codes, it looks healthy
    error_codes_may_be_absent: bool = False
    #: what the log's subject of such a request is
    subject: Literal["player", "webhook"]

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is one of this trigger's, whatever its answer."""
        return method == self.method and (path.startswith(self.path) if self.path_is_prefix else path == self.path)


class Incremental(Section):
    """Between whole comparisons, compare only players that moved, that differed before, or whose turn it is."""

    #: hour of the day in UTC from which whole comparisons are counted
    whole_from_hour: int = Field(ge=0, le=23)
    #: all players are compared once in so many hours, counted from that hour
    whole_every_hours: int = Field(24, ge=1, le=168)
    #: each window compares one of so many parts of all players too, whether they moved or not
    slices: int = Field(96, ge=1, le=1000)
    #: all players are compared when more than this share of them would have to be
    most_moved_share: float = Field(0.25, gt=0, le=1)


class BalanceComparison(Source):
    """Players whose wallet differs from the evidence, out of all players: compared for each window."""

    speaks_of_now_alone: ClassVar[bool] = True

    kind: Literal["balance_comparison"]
    #: None: every comparison is whole
    incremental: Incremental | None = None
    #: a comparison that takes longer is ended and its window is `no_data`; one window at most, for the next one waits for it
    most_seconds: int = Field(240, ge=1, le=3600)


class SqlQuery(Source):
    """A query of yours that counts, over any Airflow connection with a DB-API hook."""

    is_counted_elsewhere: ClassVar[bool] = True

    kind: Literal["sql"]
    #: id of the Airflow connection
    connection: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")
    #: rows window_start, tenant_id, events, exposure[, subjects][, cents], one per window and tenant, from `:start` to `:end`
    query: str = Field(max_length=20_000)
    #: one row with one moment: everything before it is there. None: everything is there so long after it happened
    complete_query: str | None = Field(None, max_length=20_000)
    complete_after_seconds: int = Field(120, ge=0, le=86_400)
    #: how the database writes times: with a zone, without one and in UTC, or as seconds since 1970
    times: Literal["zoned", "utc", "epoch_seconds"]
    #: longest that one query may take
    timeout_seconds: int = Field(60, ge=1, le=600)
    #: a query that gives more rows gives no data
    most_rows: int = Field(1_000_000, ge=1, le=10_000_000)

    @field_validator("query")
    @classmethod
    def _is_bounded(cls, query: str) -> str:
        missing = [name for name in (":start", ":end") if not re.search(rf"(?<!:){name}\b", query)]
        if missing:
            raise ValueError(f"has no {' and no '.join(missing)}; allowed: a query that is bounded by :start and :end")
        return query


class Prometheus(Source):
    """Two expressions over a server with Prometheus' API: Prometheus, Mimir, VictoriaMetrics, or Loki's metric queries."""

    is_counted_elsewhere: ClassVar[bool] = True
    tells_money: ClassVar[bool] = False

    kind: Literal["prometheus"]
    #: where `/api/v1/query_range` is; for Loki with `/loki` at its end, for Mimir with `/prometheus`
    url: HttpUrl
    #: Airflow connection whose password is a bearer token; None: no token is sent
    connection_id: ConnectionId | None = None
    #: sent as X-Scope-OrgID, for Mimir and Loki with several organizations
    organization: str | None = Field(None, pattern=r"^[A-Za-z0-9!_.*'()-]{1,150}$")
    #: counts of one window by tenant, `$window` in the place of its length: `sum by (tenant) (increase(refused_total[$window]))`
    events: str = Field(max_length=10_000)
    exposure: str = Field(max_length=10_000)
    #: no series of `events` counts as none, even if none was seen in days: as a mistyped name, it looks healthy
    events_may_be_absent: bool = False
    tenant_label: str = Field("tenant", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    #: everything is there so long after it happened: scrapes, remote writes
    complete_after_seconds: int = Field(120, ge=0, le=86_400)
    timeout_seconds: float = Field(30, gt=0, le=300)
    attempts: int = Field(3, ge=1, le=10)

    @field_validator("events", "exposure")
    @classmethod
    def _counts_a_window(cls, expression: str) -> str:
        if "$window" not in expression:
            raise ValueError(
                "has no $window; allowed: an expression over the window's length, as increase(refused_total[$window])"
            )
        return expression


#: a new kind of source: its section here, its adapter in adapters/signal_sources, one line in wiring
SourceSection = Annotated[AccessEvents | BalanceComparison | Prometheus | SqlQuery, Field(discriminator="kind")]
