"""A flag from Unleash's admin API, and its value for everyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

#: Unleash gives such a share to everyone; with any other stickiness a client without that field gets nothing
_STICKY_FOR_ANYBODY = frozenset({"", "default", "random"})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Strategy(_Answer):
    """One way in which a flag is on; the flag is on where any of its active strategies says so."""

    name: str
    disabled: bool = False
    constraints: list[Any] = []
    segments: list[Any] = []
    parameters: dict[str, str] = {}

    @property
    def reaches_everybody(self) -> bool:
        """Whether it says on whoever asks; a strategy that is not known here never does."""
        if self.constraints or self.segments:
            return False
        if self.name == "default":
            return True
        is_sticky = self.parameters.get("stickiness", "") not in _STICKY_FOR_ANYBODY
        return self.name == "flexibleRollout" and self.parameters.get("rollout") == "100" and not is_sticky


class Environment(_Answer):
    """The flag in one environment."""

    name: str
    enabled: bool
    strategies: list[Strategy] = []

    @property
    def active(self) -> list[Strategy]:
        """The strategies that are asked."""
        return [strategy for strategy in self.strategies if not strategy.disabled]

    @property
    def reaches_everybody(self) -> bool:
        """Whether the flag, once on here, is on for everyone."""
        return any(strategy.reaches_everybody for strategy in self.active)


class Feature(_Answer):
    """A flag, in all environments of its project."""

    name: str
    description: str | None = None
    environments: list[Environment]
    #: flags that have to be on for this one to be on
    dependencies: list[Any] = []

    def environment(self, name: str) -> Environment | None:
        """The one of that name."""
        return next((found for found in self.environments if found.name == name), None)


class Event(_Answer):
    """A change of the flag in one environment, as Unleash keeps it."""

    id: int = Field(ge=1)
    type: str
    created_by: str = Field(alias="createdBy")
    #: as Unleash writes it; what is no time is not known
    created_at: Any = Field(None, alias="createdAt")


class Events(_Answer):
    """Changes, the newest one first."""

    events: list[Event]


class Note(_Answer):
    """The guard's own line at the end of a flag's description: who wrote, when and why."""

    is_enabled: bool
    by: str
    at: str
    reason: str
    #: version of what the write was made on
    after: int
    #: the newest change in this environment at the time of the write; a newer one is someone else's
    event: int


def note_in(description: str | None, environment: str) -> Note | None:
    """The guard's line for this environment; None where there is none that can be read."""
    beginning = _beginning(environment)
    for line in (description or "").split("\n"):
        if line.startswith(beginning):
            try:
                return Note.model_validate_json(line.removeprefix(beginning))
            except ValidationError:
                # a broken line is ignored; the next write replaces it
                return None
    return None


def with_note(description: str | None, environment: str, note: Note) -> str:
    """The description with this line as the environment's only one; every other line stays."""
    beginning = _beginning(environment)
    kept = [line for line in (description or "").split("\n") if not line.startswith(beginning)]
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join([*kept, _beginning(environment) + note.model_dump_json()])


def value_of(feature: Feature, environment: Environment) -> tuple[bool | None, str]:
    """The value for everyone; None, with the reason, if it is only partly on."""
    if not environment.enabled:
        return False, ""
    if feature.dependencies:
        return None, f"in {environment.name} it is on only where its parent flag is"
    if environment.reaches_everybody:
        return True, ""
    return None, f"in {environment.name} it is on, but no active strategy reaches everyone"


def turned(events: Sequence[Event], value: bool | None) -> Event | None:
    """The event that gave the environment this value: the newest toggle to it, else the newest of any kind."""
    toggle = f"feature-environment-{'enabled' if value else 'disabled'}"
    return next((event for event in events if value is not None and event.type == toggle), next(iter(events), None))


def foreign(events: Sequence[Event], seen: int, to_value: bool) -> Event | None:
    """What changed since event `seen` and is not the guard's one toggle, with the strategy that Unleash adds to it."""
    own = "feature-environment-enabled" if to_value else "feature-environment-disabled"
    toggles = 0
    for event in reversed(events):
        if event.id <= seen or event.type == "feature-strategy-add":
            continue
        toggles += 1
        if event.type != own or toggles > 1:
            return event
    return None


def _beginning(environment: str) -> str:
    return f"ledger_guard {environment}: "
