"""Labels as arrays: what should have been said in each window, and where nothing is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import labels
from benchmarks.detection.verdicts import Word

#: code of windows in which mild and severe are both right, besides those of `Word`
EITHER = 4
#: an alarm may last so long after a trouble
AFTERMATH_MINUTES = 60
#: below so many nats not even a rule that knows the true rate could tell a trouble from luck
DETECTABLE_NATS = 20.0


@dataclass(frozen=True)
class Case:
    """One tenant's part in one scored incident, by index of window and tenant."""

    tenant: int
    #: first window that asks for an alarm, and the window after the last
    onset: int
    end: int
    #: first window whose only right word is severe; None where mild is enough throughout
    severe_from: int | None
    is_detectable: bool


@dataclass(frozen=True)
class ScoredIncident:
    """One incident that counts, with everybody it concerns."""

    kind: str
    is_widespread: bool
    start: int
    end: int
    cases: tuple[Case, ...]

    @property
    def weight(self) -> float:
        """Three for the platform, one where severe was right at some time, half where it never was."""
        if self.is_widespread:
            return 3.0
        return 1.0 if any(case.severe_from is not None for case in self.cases) else 0.5


@dataclass(frozen=True)
class Truth:
    """A world's labels as arrays [window, tenant]."""

    window_minutes: int
    first_scored: int
    #: NONE, MILD, SEVERE or EITHER
    right: NDArray[np.int8]
    #: True where a rule may say what it likes: while learning, in grace, in unscored troubles, in the aftermath of any
    is_open: NDArray[np.bool_]
    #: True from each tenant's first row on
    is_seen: NDArray[np.bool_]
    is_missing: NDArray[np.bool_]
    incidents: tuple[ScoredIncident, ...]
    #: kind, tenants, first window, window after the last
    traps: tuple[tuple[str, tuple[int, ...], int, int], ...]

    @property
    def is_healthy(self) -> NDArray[np.bool_]:
        """True where an alarm is a false one."""
        return np.asarray((self.right == Word.NONE) & ~self.is_open & self.is_seen, dtype=bool)

    def in_windows(self, minutes: int) -> int:
        """Minutes as whole windows."""
        return minutes // self.window_minutes


class _Reader:
    """Reads one world's labels."""

    def __init__(self, told: labels.Labels) -> None:
        self._told = told
        self._column = {tenant: index for index, tenant in enumerate(told["tenants"])}
        self._windows: int = told["windows"]
        self._shape = (self._windows, len(self._column))
        self._aftermath = AFTERMATH_MINUTES // told["window_minutes"]
        self.right = np.full(self._shape, Word.NONE, dtype=np.int8)
        self.is_open = np.zeros(self._shape, dtype=bool)

    def index(self, moment: str) -> int:
        return min(self._windows, labels.window_index(moment, self._told["window_minutes"], self._told["start"]))

    def incident(self, told: labels.Labels) -> ScoredIncident | None:
        """Mark an incident's windows; None when nothing of it is scored."""
        end, cases = self.index(told["end"]), []
        for name, part in told["tenants"].items():
            tenant = self._column[name]
            spells = [(self.index(first), self.index(after), word) for first, after, word in part["segments"]]
            self.is_open[end : end + self._aftermath, tenant] = True
            asked = [spell for spell in spells if told["scored"] and spell[2] != "grace"]
            for first, after, word in spells:
                if (first, after, word) in asked:
                    self.right[first:after, tenant] = {"mild": Word.MILD, "severe": Word.SEVERE, "either": EITHER}[word]
                else:
                    self.is_open[first:after, tenant] = True
            if asked:
                severe_from = next((first for first, _, word in asked if word == "severe"), None)
                cases.append(Case(tenant, asked[0][0], asked[-1][1], severe_from, part["info_nats"] >= DETECTABLE_NATS))
        if not cases:
            return None
        return ScoredIncident(told["class"], told["scope"] == "widespread", self.index(told["start"]), end, tuple(cases))

    def truth(self) -> Truth:
        """Everything."""
        told = self._told
        first_scored = self.index(told["scored_from"])
        self.is_open[:first_scored] = True
        incidents = [self.incident(one) for one in told["incidents"]]
        return Truth(
            window_minutes=told["window_minutes"],
            first_scored=first_scored,
            right=self.right,
            is_open=self.is_open,
            is_seen=np.arange(self._windows)[:, None] >= np.array(told["first_row"]),
            is_missing=labels.unpacked(told["missing_bitmap"], self._shape),
            incidents=tuple(one for one in incidents if one is not None),
            traps=tuple(
                (
                    trap["kind"],
                    tuple(self._column[name] for name in trap["tenants"]),
                    self.index(trap["start"]),
                    self.index(trap["end"]),
                )
                for trap in told["traps"]
            ),
        )


def read_truth(told: labels.Labels) -> Truth:
    """The labels of `World.truth` as arrays."""
    return _Reader(told).truth()
