"""Policy sections: when a window is complete, and when a rise counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from ledger_guard.policy.section import Section

#: more than this is no limit of anything
_LARGEST_LIMIT = 10**15
Limit = Annotated[int, Field(strict=True, ge=1, le=_LARGEST_LIMIT)]


class Sensing(Section):
    """When a window counts as complete."""

    #: how long after its end a window may still be completed by its source
    allowed_lateness_seconds: int = Field(60, ge=0)
    #: after this the window is `no_data`
    give_up_after_seconds: int = Field(600, ge=0)
    #: how far back the first run looks for its baseline, and the most a catch-up loads
    history_days: int = Field(14, ge=1, le=90)
    #: how often the sensor looks, in seconds
    poke_seconds: int = Field(15, ge=1)
    #: a window without any row that is less likely than this by chance is missing data, not health
    missing_data_probability: float = Field(1e-6, gt=0, lt=0.5)
    #: a window in which a larger share of a trigger's log lines can't be read is missing data: failures may be among them
    most_unreadable_share: float = Field(0.01, ge=0, le=1)
    #: how far ahead the clock of a host may be: later log lines are refused, counted and told
    clock_skew_seconds: int = Field(60, ge=0, le=3600)
    #: after so long without a window that could be read, or without a request of a usually busy tenant, people are told
    blind_after_minutes: int = Field(10, ge=1, le=1440)
    #: a `sql` or `prometheus` source that gives the same numbers for every tenant in so many windows in a row is stuck, where
    #: chance can't explain it; null: it never is, as where all traffic is made by a machine
    stuck_after_windows: int | None = Field(6, ge=2, le=288)


class Detection(Section):
    """Thresholds of the severity rule (docs/severity.md)."""

    #: rate over baseline from which a rise is reported
    mild_ratio: float = Field(1.5, gt=1)
    #: rate over baseline from which a rise is high
    severe_ratio: float = Field(5.0, gt=1)
    #: a rise that lasts this long is severe, however small
    sustained_minutes: int = Field(60, ge=1)
    #: bound on false severe alarms, and on false mild ones, per 1,000 tenant-days
    severe_false_alarms: float = Field(0.5, ge=0.01, le=1000)
    mild_false_alarms: float = Field(10.0, ge=0.01, le=10_000)
    #: how long a rise usually lasts: longer finds small lasting rises, shorter ends alarms sooner
    trouble_minutes: float = Field(120.0, ge=5, le=10_000)
    #: fewer expected events than this an hour at the severe ratio: `insufficient`
    minimum_expected_events: float = Field(5.0, gt=0)
    #: no alarm on fewer events than this within the hour
    minimum_events: int = Field(5, ge=1)
    #: windows that must be learned before a tenant is judged
    baseline_minimum_windows: int = Field(36, ge=1)
    #: the smallest share of the tenants whose common movement is looked for as `widespread`
    widespread_share: float = Field(0.12, gt=0, le=0.5)
    #: and at least so many tenants must show it
    widespread_minimum_tenants: int = Field(3, ge=2)
    #: windows with evidence of health, in a row, that end an incident
    resolve_after_windows: int = Field(2, ge=1)

    @model_validator(mode="after")
    def _thresholds_are_ordered(self) -> Detection:
        if self.mild_ratio >= self.severe_ratio:
            raise ValueError(
                f"mild_ratio {self.mild_ratio} is not below severe_ratio {self.severe_ratio}; allowed: mild < severe"
            )
        return self


class Limits(Section):
    """Absolute limits of one trigger beside the statistics: one that is reached in a window makes its verdict severe.

    What is not set is not used. No limit makes a verdict milder, or ends anything.
    """

    #: money at risk of one tenant; where an amount is not known, what is known counts
    severe_from_cents: Limit | None = None
    #: events of one tenant
    severe_from_events: Limit | None = None
    #: whether every alarm is severe, however slight the rise
    always_severe: StrictBool = False
