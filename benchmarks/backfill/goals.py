"""What is wanted, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """One figure and the bound that it is held to."""

    what: str
    measured: float
    bound: float
    #: whether the figure has to reach the bound; otherwise it has to stay at or below it
    is_floor: bool
    unit: str = ""

    @classmethod
    def at_least(cls, what: str, measured: float, bound: float) -> Goal:
        """A speed as a multiple of another."""
        return cls(what, measured, bound, is_floor=True, unit="x")

    @classmethod
    def at_most(cls, what: str, measured: float, bound: float, unit: str = "") -> Goal:
        """A figure that should be small."""
        return cls(what, measured, bound, is_floor=False, unit=unit)

    @property
    def is_met(self) -> bool:
        """Compared as measured, not as printed."""
        return self.measured >= self.bound if self.is_floor else self.measured <= self.bound


def goals_table(goals: Iterable[Goal], caption: str) -> Table:
    """One row a goal, whether it is met or not."""
    table = Table(title="Goals", title_justify="left", caption=caption, caption_justify="left")
    for heading in ("what", "measured", "goal", ""):
        table.add_column(heading)
    for goal in goals:
        sign = ">=" if goal.is_floor else "<="
        verdict = "met" if goal.is_met else "[bold]NOT MET[/bold]"
        table.add_row(goal.what, f"{goal.measured:.3g} {goal.unit}", f"{sign} {goal.bound:g} {goal.unit}", verdict)
    return table
