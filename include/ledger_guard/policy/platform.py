"""Policy sections that describe the platform: tables, access log, flags, secrets."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from ledger_guard.policy.ledger_tables import LedgerTable, TransactionTable
from ledger_guard.policy.section import Identifier, Section


class PlayerTable(Section):
    """Where the platform keeps players."""

    table: Identifier = "player"
    id: Identifier = "id"
    tenant_id: Identifier = "tenant_id"
    available: Identifier = "balance_real_available"
    held: Identifier = "balance_real_held"
    bonus: Identifier = "balance_bonus"


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
    #: triggers on the table that somebody has read and found to leave amounts as they are written
    known_triggers: tuple[Identifier, ...] = ()


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
    #: None: the platform has no such table; then whose requests may have overlapped goes to a human
    transactions: TransactionTable | None = None
    #: requests for one player that were booked within this time may have overlapped, and one of them lost an update
    concurrent_within_seconds: int = Field(5, ge=0, le=3600)
    #: whether a wallet that a backfill creates gets the player's bonus; else 0, which the next grant makes the player's too
    fill_bonus_from_player: bool = False
    statement_timeout_seconds: int = Field(60, ge=1, le=3600)
    lock_timeout_milliseconds: int = Field(2000, ge=1, le=60000)
    #: a replica that is read in place of the primary is believed up to here
    most_replica_lag_seconds: int = Field(30, ge=1, le=3600)

    @property
    def words_hash(self) -> str:
        """Hash of all that decides which opening follows from a player's rows: by other words another one does."""
        sections = (self.currency, self.player, self.ledger, self.transactions)
        words = [each.model_dump_json() if isinstance(each, Section) else each for each in sections]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


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
    #: what the request asked for, in whole units of the platform's currency; None: the log does not tell
    amount: str | None = "amount"
    #: the address that the ingress itself saw, not one that a header claims; kept of webhook calls alone. None: of no call. The
    #: combined format has it at a place of its own, so that any name keeps it there
    source_address: str | None = None
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
    """Which secrets check_secrets looks at. Values are never shown: presence, age and fingerprint only."""

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
