"""Probes whose findings a test sets."""

from __future__ import annotations

from ledger_guard.domain.flags import ProbeFinding, ProbeLook, on_or_off

#: stands where a probe's request does not fit the platform
UNUSABLE = "unusable"


class InMemoryFlagProbes:
    """FlagProbes with an answer prepared: which values instances serve, and which the canary shows.

    None in the place of either: the policy names none. `UNUSABLE` in the place of a value: that probe does not fit.
    """

    def __init__(self, serves: list[bool | str] | None = None, shows: bool | str | None = None) -> None:
        self.serves = serves
        self.shows = shows

    def instances(
        self,
        flag: str,  # noqa: ARG002
        tenant_id: str,  # noqa: ARG002
        wanted: bool,
        *,
        once: bool = False,  # noqa: ARG002
    ) -> list[ProbeFinding] | None:
        """One finding an instance."""
        return None if self.serves is None else [look.finding(wanted) for look in self._instance_looks()]

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:  # noqa: ARG002
        """What the canary shows."""
        return None if self.shows is None else _look("canary", "shows", self.shows).finding(wanted)

    def looks(self, flag: str) -> list[ProbeLook]:  # noqa: ARG002
        """All of them, the canary last."""
        return [*self._instance_looks(), *([] if self.shows is None else [_look("canary", "shows", self.shows)])]

    def _instance_looks(self) -> list[ProbeLook]:
        return [_look(f"instance {number}", "serves", value) for number, value in enumerate(self.serves or [], start=1)]


def _look(who: str, does: str, value: bool | str) -> ProbeLook:
    if isinstance(value, bool):
        return ProbeLook(value, f"{who} {does} {on_or_off(value)}")
    return ProbeLook(None, f"{who} is {value}", is_usable=False)
