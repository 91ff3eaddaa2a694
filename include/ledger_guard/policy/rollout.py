"""Policy sections about enabling a flag again after a rollback."""

from __future__ import annotations

from pydantic import Field

from ledger_guard.policy.section import Section


class FreezeRules(Section):
    """Who may allow one tenant to be enabled despite a freeze, and for how long."""

    #: names of people; empty: no one may
    override_by: tuple[str, ...] = ()
    #: the longest time for which an override may be granted
    override_at_most_hours: int = Field(24, ge=1, le=24 * 14)


class ValidationProbe(Section):
    """An address of the test environment that must answer before a flag is enabled again."""

    #: asked with GET; it must change nothing there, and hold no secret
    url: str = Field(pattern=r"^https?://[^\s@]+$")
    #: the answer that says that the flag's effect was validated
    status: int = Field(200, ge=100, le=599)
    timeout_seconds: float = Field(10.0, gt=0, le=120)


class RestoreRules(Section):
    """What must be on record before a flag is enabled again."""

    #: of the newest windows, twice as many as these, so many must be quiet and none in alarm
    quiet_windows: int = Field(6, ge=1, le=500)
    #: or else so many attempts that so few failures would have at most this chance, had the rate risen to mild
    chance_of_luck: float = Field(0.05, ge=0.0001, le=0.2)
    #: and never fewer attempts than this, all tenants and windows together
    minimum_attempts: int = Field(50, ge=1)
    #: how long a flag is watched after it was enabled without being confirmed
    watch_minutes: int = Field(120, ge=1, le=14 * 24 * 60)
    #: how old the comparison of a tenant's wallets may be
    verified_within_minutes: int = Field(60, ge=1)
    #: how many wallets of a tenant may lag behind their player
    max_stale_wallets: int = Field(0, ge=0)
    #: by flag; a flag without one is validated by a person's statement
    probes: dict[str, ValidationProbe] = Field(default_factory=dict)


class Reminders(Section):
    """How often people are told again of what must end: rollbacks that were meant to be temporary, and broken freezes."""

    rolled_back_hours: float = Field(24.0, gt=0, le=24 * 14)
    #: for a flag whose rollback is unsafe, as for webhook signatures: unsigned webhooks are accepted meanwhile
    signatures_hours: float = Field(4.0, gt=0, le=24 * 14)
    #: how often people are told, until it ends, that a flag was enabled past the guard during a freeze
    enabled_in_freeze_minutes: int = Field(15, ge=1, le=24 * 60)
