"""Policy section for calling people: who is called for what, at which hour, by which pager, and when nobody is."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AwareDatetime, Field, model_validator

from ledger_guard.domain.wake import Hours, Matter, Route, Silence, Step, Weekday
from ledger_guard.policy.notification import MENTION
from ledger_guard.policy.section import Section
from ledger_guard.policy.words import ConnectionId, TriggerWord

_ADDRESS = r"^[^@\s<>,;]+@[^@\s<>,;]+$"
Address = Annotated[str, Field(pattern=_ADDRESS, max_length=254)]


class SlackPager(Section):
    """A mention in a Slack channel, through the connection of the notices."""

    kind: Literal["slack"]
    #: `#name`, or Slack's own id
    channel: str = Field(pattern=r"^[#CG]")
    mention: str = Field(pattern=rf"^{MENTION}$")


class PagerDutyPager(Section):
    """A PagerDuty service: the connection's password is its integration key (Events API v2)."""

    kind: Literal["pagerduty"]
    connection: ConnectionId
    severity: Literal["critical", "error", "warning", "info"] = "critical"


class OpsgeniePager(Section):
    """An Opsgenie team or service: the connection's password is an API key."""

    kind: Literal["opsgenie"]
    connection: ConnectionId
    priority: Literal["P1", "P2", "P3", "P4", "P5"] = "P1"


class EmailPager(Section):
    """E-mail through an Airflow connection of type smtp, which also names the sender."""

    kind: Literal["email"]
    connection: ConnectionId
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)


class ApprisePager(Section):
    """Any service that Apprise knows (Teams, Telegram, Discord, SMS…): the connection's password is its URL."""

    kind: Literal["apprise"]
    connection: ConnectionId


#: a new kind of pager: its section here; its adapter in adapters/pagers; one line in wiring
PagerSection = Annotated[SlackPager | PagerDutyPager | OpsgeniePager | EmailPager | ApprisePager, Field(discriminator="kind")]


class HoursSection(Section):
    """Hours of the day, in a time zone; `from` 22:00 `to` 07:00 goes over midnight."""

    begin: time = Field(alias="from")
    end: time = Field(alias="to")
    zone: str = "UTC"
    #: days on which they begin; left out: every day
    days: tuple[Weekday, ...] = tuple(Weekday)

    @model_validator(mode="after")
    def _is_known(self) -> HoursSection:
        if self.zone not in available_timezones():
            raise ValueError(f"zone {self.zone!r} is unknown; allowed: a name such as Europe/Istanbul")
        if self.begin == self.end:
            raise ValueError("from and to are the same; allowed: two times, or no hours at all for the whole day")
        return self

    def as_rule(self) -> Hours:
        """For the rules."""
        return Hours(self.begin, self.end, ZoneInfo(self.zone), self.days)


class StepSection(Section):
    """Who is called so long after the first step, while nobody has acknowledged."""

    after_minutes: int = Field(0, ge=0, le=24 * 60)
    call: tuple[str, ...] = Field(min_length=1)


class RouteSection(Section):
    """For what its steps are taken. What is left out fits everything."""

    triggers: tuple[TriggerWord, ...] = ()
    tenants: tuple[str, ...] = ()
    #: of the matrix row
    owners: tuple[str, ...] = ()
    hours: HoursSection | None = None
    steps: tuple[StepSection, ...] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _goes_on(self) -> RouteSection:
        minutes = [step.after_minutes for step in self.steps]
        if minutes[0] != 0 or sorted(set(minutes)) != minutes:
            raise ValueError(f"steps after {minutes} minutes; allowed: the first after 0, each later than the one before")
        return self


class MaintenanceSection(Section):
    """A time in which nobody is called, planned before. What happens in it is on record and in the channel as ever."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str = Field(min_length=10, max_length=500)
    #: left out: every trigger, every tenant
    triggers: tuple[TriggerWord, ...] = ()
    tenants: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ends(self) -> MaintenanceSection:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends before it starts; allowed: ends_at after starts_at")
        return self


class WakeRules(Section):
    """Who is called for a severe incident and for a question that waits. Mild incidents call nobody."""

    #: by name
    pagers: dict[str, PagerSection] = Field(default_factory=dict)
    #: the first that fits counts; where none fits, nobody is called
    routes: tuple[RouteSection, ...] = ()
    #: whether a waiting question calls people as well
    for_approvals: bool = True
    #: whether a guard that sees nothing of a signal calls people as well; it is posted in any case
    for_blindness: bool = False
    maintenance: tuple[MaintenanceSection, ...] = ()
    #: how long a silence by hand may last
    silence_at_most_hours: int = Field(12, ge=1, le=24 * 14)

    @model_validator(mode="after")
    def _calls_who_is_there(self) -> WakeRules:
        named = {name for route in self.routes for step in route.steps for name in step.call}
        if unknown := sorted(named - set(self.pagers)):
            allowed = ", ".join(sorted(self.pagers)) or "none, since pagers is empty"
            raise ValueError(f"routes call {', '.join(unknown)}; allowed: {allowed}")
        return self

    def route_for(self, matter: Matter, at: datetime) -> Route | None:
        """The first route that fits; None: nobody is called."""
        return next((route for route in self._routes if route.fits(matter, at)), None)

    @property
    def _routes(self) -> tuple[Route, ...]:
        return tuple(
            Route(
                frozenset(trigger.value for trigger in each.triggers),
                frozenset(each.tenants),
                frozenset(each.owners),
                each.hours.as_rule() if each.hours else None,
                tuple(Step(step.after_minutes, step.call) for step in each.steps),
            )
            for each in self.routes
        )

    def planned_silences(self, at: datetime) -> tuple[Silence, ...]:
        """Maintenance that is going on."""
        return tuple(
            Silence("", each.starts_at, each.ends_at, each.reason, "the policy", _words(each.triggers), frozenset(each.tenants))
            for each in self.maintenance
            if each.starts_at <= at < each.ends_at
        )


def _words(triggers: tuple[TriggerWord, ...]) -> frozenset[str]:
    return frozenset(trigger.value for trigger in triggers)
