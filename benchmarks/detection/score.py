"""How good a rule's verdicts are, over one world or several.

The figure that ranks is `G = 100 * U * N / (1 + S/2 + M/20)`: the credit U earned for incidents that can be told from luck
at all, the share N of missing rows that were called missing, and the false alarms, severe (S) and mild (M), per 1,000
tenant-days. Two false pages a day among 1,000 tenants halve it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from benchmarks.detection.credit import alarm_starts, earned
from benchmarks.detection.false_alarms import false_alarms
from benchmarks.detection.truth import AFTERMATH_MINUTES, ScoredIncident, Truth
from benchmarks.detection.verdicts import Verdicts, Word

SEVERE_THAT_HALVE = 2.0
MILD_THAT_HALVE = 20.0


@dataclass
class Share:
    """So many of so many."""

    hits: int = 0
    total: int = 0

    def add(self, hits: int, total: int) -> None:
        """Count more."""
        self.hits += hits
        self.total += total

    @property
    def value(self) -> float:
        """0..1; NaN of nothing."""
        return self.hits / self.total if self.total else float("nan")


@dataclass
class Score:
    """What was counted; `add` as many worlds as there are, then read the figures."""

    tenant_days: float = 0.0
    severe_false: int = 0
    mild_false: int = 0
    #: missing rows called missing
    no_data: Share = field(default_factory=Share)
    #: detectable cases found, by class of incident
    found: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    #: alarm windows inside incidents with the right scope, by the right scope
    scope: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    #: traps with any alarm, and with a severe one, by kind
    trapped: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    trapped_severe: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    severe_delays_minutes: list[int] = field(default_factory=list)
    _credits: list[float] = field(default_factory=list)
    _weights: list[float] = field(default_factory=list)

    def add(self, truth: Truth, verdicts: Verdicts) -> None:
        """Count one world."""
        words = verdicts.words
        is_healthy = truth.is_healthy
        self.tenant_days += float((is_healthy & ~truth.is_missing).sum()) * truth.window_minutes / 1440
        severe, mild = false_alarms(truth, words)
        self.severe_false += severe
        self.mild_false += mild
        is_missing = truth.is_missing & truth.is_seen
        is_missing[: truth.first_scored] = False
        self.no_data.add(int((words[is_missing] == Word.NO_DATA).sum()), int(is_missing.sum()))
        starts = alarm_starts(words)
        for incident in truth.incidents:
            detectable = [case for case in incident.cases if case.is_detectable]
            told = [earned(case, truth, words, starts) for case in incident.cases]
            of_detectable = [one for one, case in zip(told, incident.cases, strict=True) if case.is_detectable]
            self.found[incident.kind].add(sum(one.is_found for one in of_detectable), len(detectable))
            self.severe_delays_minutes += [one.severe_delay_minutes for one in told if one.severe_delay_minutes is not None]
            if detectable:
                self._credits.append(statistics.fmean(one.credit for one in of_detectable))
                self._weights.append(incident.weight)
            self._add_scope(incident, verdicts)
        for kind, tenants, first, after in truth.traps:
            for tenant in tenants:
                spell = (slice(first, after + truth.in_windows(AFTERMATH_MINUTES)), tenant)
                said = words[spell][is_healthy[spell]]
                self.trapped[kind].add(int(((said == Word.MILD) | (said == Word.SEVERE)).any()), 1)
                self.trapped_severe[kind].add(int((said == Word.SEVERE).any()), 1)

    def _add_scope(self, incident: ScoredIncident, verdicts: Verdicts) -> None:
        if verdicts.is_widespread is None:
            return
        for case in incident.cases:
            spell = (slice(incident.start, incident.end), case.tenant)
            said = verdicts.words[spell]
            told = verdicts.is_widespread[spell][(said == Word.MILD) | (said == Word.SEVERE)]
            right = int((told == incident.is_widespread).sum())
            self.scope["widespread" if incident.is_widespread else "isolated"].add(right, len(told))

    @property
    def credit(self) -> float:
        """U, 0..1: the weighted mean over the incidents of which something is detectable."""
        return float(np.average(self._credits, weights=self._weights)) if self._credits else float("nan")

    @property
    def severe_false_rate(self) -> float:
        """S, severe false alarms per 1,000 tenant-days."""
        return 1000 * self.severe_false / self.tenant_days

    @property
    def mild_false_rate(self) -> float:
        """M, mild false alarms per 1,000 tenant-days."""
        return 1000 * self.mild_false / self.tenant_days

    @property
    def headline(self) -> float:
        """G, 0..100."""
        no_data_share = self.no_data.value if self.no_data.total else 1.0
        return (
            100
            * self.credit
            * no_data_share
            / (1 + self.severe_false_rate / SEVERE_THAT_HALVE + self.mild_false_rate / MILD_THAT_HALVE)
        )

    @property
    def recall(self) -> float:
        """Share of the detectable cases that were found."""
        hits, total = sum(one.hits for one in self.found.values()), sum(one.total for one in self.found.values())
        return Share(hits, total).value

    @property
    def severe_delay_minutes(self) -> float:
        """The middle delay of severe alarms that came; NaN where none did."""
        return statistics.median(self.severe_delays_minutes) if self.severe_delays_minutes else float("nan")

    @property
    def worst_trap(self) -> tuple[str, float]:
        """The kind of trap that raised severe alarms most often, and how often (0..1)."""
        shares = [(kind, share.value) for kind, share in self.trapped_severe.items()]
        return max(shares, key=lambda one: one[1], default=("none", 0.0))
