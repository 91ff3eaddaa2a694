"""Probes whose findings a test sets."""

from __future__ import annotations

from ledger_guard.domain.flags import ProbeFinding


class InMemoryFlagProbes:
    """FlagProbes with an answer prepared: which values instances serve, and which the canary shows; None: none is named."""

    def __init__(self, serves: list[bool] | None = None, shows: bool | None = None) -> None:
        self.serves = serves
        self.shows = shows

    def instances(self, flag: str, tenant_id: str, wanted: bool) -> list[ProbeFinding] | None:  # noqa: ARG002
        """One finding an instance."""
        if self.serves is None:
            return None
        return [
            ProbeFinding(is_in_effect=value is wanted, words=f"instance {number} serves {'on' if value else 'off'}")
            for number, value in enumerate(self.serves, start=1)
        ]

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:  # noqa: ARG002
        """What the canary shows."""
        if self.shows is None:
            return None
        return ProbeFinding(is_in_effect=self.shows is wanted, words=f"canary shows {'on' if self.shows else 'off'}")
