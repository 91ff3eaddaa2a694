"""Policy sections for where a trigger's readings come from: one shape for each kind of source."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger_guard.policy.section import Section


class Source(Section):
    """What all kinds have in common."""

    kind: str
    #: the source compares how things stand now: it can't be asked about the past, and what it counts comes again in each window
    speaks_of_now_alone: ClassVar[bool] = False
    #: it knows whom or what each event hit
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
    """Players whose wallet is not what the evidence gives, out of all: compared anew for each window."""

    speaks_of_now_alone: ClassVar[bool] = True

    kind: Literal["balance_comparison"]


#: a new kind of source: its section here, its adapter in adapters/signal_sources, one line in wiring
SourceSection = Annotated[AccessEvents | BalanceComparison, Field(discriminator="kind")]
