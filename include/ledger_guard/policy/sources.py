"""Policy sections for the sources of triggers: one shape per kind of source."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger_guard.policy.section import Section


class Source(Section):
    """Common base of all kinds."""

    kind: str
    #: the source compares the current state: it has no past, and it counts the same things again in each window
    speaks_of_now_alone: ClassVar[bool] = False
    #: it names the subject of each event
    names_subjects: ClassVar[bool] = False


class AccessEvents(Source):
    """Requests of the ingested access log: which of them count, and which of those are failures."""

    names_subjects: ClassVar[bool] = True

    kind: Literal["access_events"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    #: the whole path, or what it begins with when `path_is_prefix`
    path: str = Field(pattern=r"^/")
    path_is_prefix: bool = False
    status: int = Field(ge=100, le=599)
    error_code: str = Field(min_length=1)
    #: what the log's subject of such a request is
    subject: Literal["player", "webhook"]

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is one of this trigger's, whatever its answer."""
        return method == self.method and (path.startswith(self.path) if self.path_is_prefix else path == self.path)


class BalanceComparison(Source):
    """Players whose wallet differs from the evidence, out of all players: compared for each window."""

    speaks_of_now_alone: ClassVar[bool] = True

    kind: Literal["balance_comparison"]


#: a new kind of source: its section here, its adapter in adapters/signal_sources, one line in wiring
SourceSection = Annotated[AccessEvents | BalanceComparison, Field(discriminator="kind")]
