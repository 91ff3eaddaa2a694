"""What kind of world is made: every figure that may be varied, with its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: low and high end that each tenant draws its own figure between
Span = tuple[float, float]


@dataclass(frozen=True)
class WorldSettings:
    """Size, traffic, rates, noise, troubles and traps of a world. The defaults are what the benchmark scores."""

    tenants: int = 150
    days: int = 21
    window_minutes: int = 5
    #: first days, which are not scored
    learning_days: int = 7

    # attempts
    size_law: Literal["lognormal", "pareto"] = "lognormal"
    #: mean attempts a window of the middle tenant, and the standard deviation of its logarithm over tenants (lognormal)
    size_median: float = 30.0
    size_log_sd: float = 2.4
    #: exponent of the tail (pareto, which begins at the smallest size)
    size_tail: float = 0.3
    size_limits: Span = (0.3, 50_000.0)
    #: how far the logarithm of the traffic swings over the day, and over the week
    traffic_day_swing: Span = (0.2, 0.9)
    traffic_week_swing: Span = (0.0, 0.3)
    #: relative standard deviation of the mean attempts from window to window, and over hours
    traffic_noise_sd: Span = (0.05, 0.3)
    traffic_wobble_sd: Span = (0.05, 0.25)
    #: bursts of 2 to 4 times the traffic, of up to half an hour, per tenant and week
    traffic_bursts_per_week: float = 1.5

    # failures per attempt
    rate_median: float = 0.007
    rate_log_sd: float = 0.8
    #: share of tenants that hardly ever fail (0.003 to 0.05 %), and of tenants that often do (8 to 20 %)
    near_zero_share: float = 0.05
    often_failing_share: float = 0.04
    #: relative swing of the rate over the day, and over the week
    rate_day_swing: Span = (0.1, 0.4)
    rate_week_swing: Span = (0.0, 0.15)
    #: shares of tenants whose rate doubles, more or less, at a certain hour each day, or on a certain day each week
    daily_peak_share: float = 0.25
    weekly_peak_share: float = 0.12
    #: slow wobble of the logarithm of the rate: standard deviation and the hours it remembers
    wobble_sd: Span = (0.05, 0.3)
    wobble_hours: Span = (1.0, 24.0)
    #: standard deviation of what the logarithm of the rate drifts in a week
    drift_per_week: float = 0.08
    #: standard deviation of a wobble that all tenants share
    fleet_wobble_sd: float = 0.04

    # counts
    noise_family: Literal["gamma", "lognormal"] = "gamma"
    #: relative standard deviation of the rate from window to window
    noise_sd: Span = (0.02, 0.16)
    #: mean failures of one player in one window: a player that is refused tries again
    tries: Span = (1.0, 1.8)

    # troubles and traps, per 1,000 scored tenant-days
    blips: float = 17.0
    spikes: float = 14.0
    sustained: float = 14.0
    ramps: float = 10.0
    low_traffic: float = 9.0
    flags: float = 7.0
    surges: float = 19.0
    unlucky_singles: float = 28.0
    recoveries: float = 9.0
    late_batches: float = 12.0
    late_events: float = 12.0
    #: whole troubles of the platform and outages of the measurement, per world
    widespread: int = 4
    fleet_flags: int = 2
    outages: int = 2
    #: share of tenants with an unscored trouble while the rule learns
    contaminated_share: float = 0.15
    #: share of troubles placed without asking whether the counts can show them
    blind_share: float = 0.15

    # rows
    #: share of tenants that appear late, that leave, and whose rows come and go
    late_share: float = 0.10
    leaving_share: float = 0.05
    flickering_share: float = 0.07
    #: share of rows missing everywhere
    missing_share: float = 0.004

    def __post_init__(self) -> None:
        if 60 % self.window_minutes or self.window_minutes > 30:
            raise ValueError(f"window_minutes is {self.window_minutes}; allowed: a divisor of 60 up to 30")
        if self.days < self.learning_days + 2:
            raise ValueError(f"days is {self.days}; allowed: at least {self.learning_days + 2}, two more than are learned from")

    @property
    def windows(self) -> int:
        """Windows of the whole world."""
        return self.days * 24 * self.per_hour

    @property
    def per_hour(self) -> int:
        """Windows an hour."""
        return 60 // self.window_minutes

    @property
    def first_scored(self) -> int:
        """Index of the first window that counts."""
        return self.learning_days * 24 * self.per_hour

    def count(self, per_1000_tenant_days: float) -> int:
        """How many that makes in this world, at least one."""
        return max(1, round(per_1000_tenant_days * self.tenants * (self.days - self.learning_days) / 1000))

    def in_windows(self, minutes: float) -> int:
        """Minutes as whole windows, at least one."""
        return max(1, round(minutes / self.window_minutes))
