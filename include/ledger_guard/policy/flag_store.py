"""Policy section for the flag store: one shape per kind of store."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ledger_guard.policy.section import Identifier, Section
from ledger_guard.policy.words import AbsolutePath, ConnectionId, HttpUrl, VariableName

#: as Unleash allows it in an address; never `..`
UnleashName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_~-][A-Za-z0-9_~.-]{0,99}$")]


class FlagStoreTable(Section):
    """Values in a table: one row per flag and scope, `*` for the global one."""

    kind: Literal["postgres"]
    schema_name: Identifier = Field("public", alias="schema")
    table: Identifier = "rollout_flag"
    flag: Identifier = "key"
    tenant_id: Identifier = "tenant_id"
    is_enabled: Identifier = "is_enabled"
    version: Identifier = "version"
    changed_by: Identifier = "changed_by"
    change_reason: Identifier = "change_reason"
    changed_at: Identifier = "changed_at"


class RestartCommand(Section):
    """A program that restarts every instance; exit code 0 means that it did."""

    kind: Literal["command"]
    #: an argument list, never a shell line
    command: tuple[str, ...] = Field(min_length=1)
    working_directory: AbsolutePath = "/"
    #: names of variables that are passed on when the guard's environment has them; nothing else is
    environment: tuple[VariableName, ...] = ("PATH",)
    timeout_seconds: float = Field(300, gt=0, le=3600)
    #: from SIGTERM to SIGKILL
    term_grace_seconds: float = Field(3, ge=0, le=60)


class RestartWebhook(Section):
    """An address that restarts every instance when it is posted to; a 2xx answer means that it did."""

    kind: Literal["webhook"]
    url: HttpUrl
    #: names the variable that holds a bearer token; None: no token is sent
    token_env: VariableName | None = None
    timeout_seconds: float = Field(60, gt=0, le=600)
    attempts: int = Field(4, ge=1, le=10)


Restart = Annotated[RestartCommand | RestartWebhook, Field(discriminator="kind")]


class DotenvFile(Section):
    """Values in the platform's dotenv file, by each flag's `env_name`; one value for everyone, never per tenant."""

    kind: Literal["dotenv"]
    path: AbsolutePath
    #: how the instances are made to read the file again; the platform reads it at its start only
    restart: Restart
    #: how long a writer waits for another one, whose restart included
    lock_wait_seconds: float = Field(30, ge=0, le=600)


class FlagServer(Section):
    """Values behind a small JSON interface (docs/flag_stores.md)."""

    kind: Literal["http"]
    #: base address, before `/v1/flags/…`
    base_url: HttpUrl
    #: an Airflow connection whose password is the token, read from AIRFLOW_CONN_… or from Airflow
    connection_id: ConnectionId = "ledger_flags"
    per_tenant: bool = True
    timeout_seconds: float = Field(5, gt=0, le=60)
    #: tries of one call, on connection errors and 502, 503, 504 only
    attempts: int = Field(4, ge=1, le=10)


class FlagdFile(Section):
    """Values in a flag definition file of OpenFeature's flagd, which a flag server serves."""

    kind: Literal["flagd"]
    path: AbsolutePath
    #: the evaluation context's variable that holds the tenant id
    tenant_variable: str = Field("tenant_id", pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    lock_wait_seconds: float = Field(30, ge=0, le=600)


class UnleashServer(Section):
    """Values in one environment of a project of Unleash, by its admin API; one value for everyone, never per tenant."""

    kind: Literal["unleash"]
    #: base address, before `/api/admin/…`
    base_url: HttpUrl
    project: UnleashName = "default"
    environment: UnleashName
    #: an Airflow connection whose password is a token for the admin API, read from AIRFLOW_CONN_… or from Airflow
    connection_id: ConnectionId = "ledger_flags"
    timeout_seconds: float = Field(5, gt=0, le=60)
    #: tries of one call, on connection errors and 502, 503, 504 only
    attempts: int = Field(4, ge=1, le=10)
    #: how long a writer waits for another one of the guard's
    lock_wait_seconds: float = Field(30, ge=0, le=600)


#: a new kind of store: its section here, its adapter in adapters/flag_stores, one line in wiring
FlagStoreSection = Annotated[
    FlagStoreTable | DotenvFile | FlagServer | FlagdFile | UnleashServer,
    Field(discriminator="kind"),
]
