"""Policy sections that describe the platform: tables, requests, flags, secrets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is not a table or column name; allowed: letters, digits and '_', at most 63")
    return name


#: a name that is safe to quote as an SQL identifier
Identifier = Annotated[str, AfterValidator(_identifier)]


class Section(BaseModel):
    """Common ground of all sections: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlayerTable(Section):
    """Where the platform keeps players."""

    table: Identifier = "player"
    id: Identifier = "id"
    tenant_id: Identifier = "tenant_id"
    available: Identifier = "balance_real_available"
    held: Identifier = "balance_real_held"


class WalletTable(Section):
    """Where the platform keeps wallet snapshots."""

    table: Identifier = "walletbalance"
    tenant_id: Identifier = "tenant_id"
    player_id: Identifier = "player_id"
    currency: Identifier = "currency"
    available: Identifier = "balance_real_available"
    pending: Identifier = "balance_real_pending"
    bonus_available: Identifier = "balance_bonus_available"
    bonus_pending: Identifier = "balance_bonus_pending"
    updated_at: Identifier = "updated_at"


class LedgerTable(Section):
    """Where the platform books movements, and which of them the player row never gets."""

    table: Identifier = "ledgertransaction"
    tenant_id: Identifier = "tenant_id"
    player_id: Identifier = "player_id"
    type: Identifier = "type"
    direction: Identifier = "direction"
    amount: Identifier = "amount"
    currency: Identifier = "currency"
    status: Identifier = "status"
    provider_event_id: Identifier = "provider_event_id"
    created_at: Identifier = "created_at"
    #: types that move the wallet and not the player, whatever their provider
    wallet_only_types: tuple[str, ...] = ()
    #: whether a row that carries a provider's event id moved the wallet only (generic webhook deposits and payouts)
    provider_events_are_wallet_only: bool = True
    #: statuses of movements that never took place
    void_statuses: tuple[str, ...] = ("failed", "rejected", "cancelled", "canceled", "void", "pending")


class TenantTable(Section):
    """Where the platform keeps tenants."""

    table: Identifier = "tenant"
    id: Identifier = "id"
    name: Identifier = "name"


class Platform(Section):
    """The platform's database as it is: names only, never a new index, column or trigger."""

    schema_name: Identifier = Field("public", alias="schema")
    currency: str = Field("USD", min_length=3, max_length=3)
    tenant: TenantTable = TenantTable()
    player: PlayerTable = PlayerTable()
    wallet: WalletTable = WalletTable()
    ledger: LedgerTable = LedgerTable()
    statement_timeout_seconds: int = Field(60, ge=1, le=3600)
    lock_timeout_milliseconds: int = Field(2000, ge=1, le=60000)


class RequestShape(Section):
    """Which access events count for a trigger, and which of them are its failures."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    #: the whole path, or what it begins with when `path_is_prefix`
    path: str = Field(pattern=r"^/")
    path_is_prefix: bool = False
    status: int = Field(ge=100, le=599)
    error_code: str = Field(min_length=1)
    #: what a failure's subject is, for people
    subject: Literal["player", "webhook"]

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is one of this trigger's, whatever its answer."""
        return method == self.method and (path.startswith(self.path) if self.path_is_prefix else path == self.path)


class AccessLogMapping(Section):
    """How a line of an ingress log becomes an access event; field names are dotted paths into a JSON line."""

    event_time: str = "timestamp"
    tenant_id: str | None = "tenant_id"
    subject_id: str | None = None
    method: str = "method"
    path: str = "path"
    status: str = "status"
    error_code: str | None = "error_code"
    provider: str | None = "provider"
    request_id: str | None = "request_id"
    #: where the tenant comes from when the line has no field for it
    tenant_from: Literal["field", "constant", "virtual_host", "path_prefix"] = "field"
    #: the tenant of every line, with tenant_from: constant
    tenant_constant: str | None = None
    #: whether a timestamp without a zone is UTC; otherwise such a line is rejected
    assume_utc: bool = False


class Flag(Section):
    """A flag that the runbook may roll back."""

    env_name: str
    description: str
    #: whether the store can hold a value per tenant
    per_tenant: bool = True
    #: the value that puts the platform in its safe mode
    safe_value: bool = False


class OtherEnvironment(Section):
    """Another environment, whose secrets must not be in use here."""

    #: its dotenv file, read here and compared; values are never shown
    env_file: str | None = None
    #: by variable name, as `rollout secrets` prints them there; with the same LEDGER_GUARD_FINGERPRINT_KEY
    fingerprints: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]] = Field(default_factory=dict)


class Secrets(Section):
    """Which secrets the T2 check looks at. Values are never shown: presence, age and fingerprint only."""

    #: variable names to check, by provider
    names: dict[str, str]
    #: a dotenv file to read instead of the process environment; the environment variable LEDGER_GUARD_ENV_FILE wins
    env_file: str | None = None
    #: values that ship with the platform and must not be in use
    placeholders: tuple[str, ...] = ()
    minimum_characters: int = Field(16, ge=1)
    #: how long a secret may be in use, as far as the guard has seen it; None: for ever
    oldest_days: int | None = Field(None, ge=1)
    #: by label
    other_environments: dict[str, OtherEnvironment] = Field(default_factory=dict)
