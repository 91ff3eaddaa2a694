"""The flag store in Unleash: a flag of a project, on or off in one environment, by the admin API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ledger_guard.adapters.flag_stores.scope_rules import content_version, moment_or_none, require_global, require_unchanged
from ledger_guard.adapters.flag_stores.unleash_feature import (
    Environment,
    Event,
    Events,
    Feature,
    Note,
    foreign,
    note_in,
    turned,
    value_of,
    with_note,
)
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.policy.flag_store import UnleashServer
from ledger_guard.ports.platform import Clock

_Document = TypeVar("_Document", bound=BaseModel)
#: more than one write of the guard makes, so that someone else's events are included
_NEWEST_EVENTS = 10


class UnleashFlagStore:
    """FlagStore over Unleash, one value for everyone.

    Unleash has no compare-and-set. Writers of the guard come one at a time (`one_writer`), each reads again what it is about
    to change, and afterwards looks for changes that people made in between: then it says so and claims nothing.
    """

    def __init__(
        self,
        settings: UnleashServer,
        caller: HttpCaller,
        one_writer: Callable[[str], AbstractContextManager[None]],
        wall_clock: Clock,
    ) -> None:
        self._settings = settings
        self._admin = f"{settings.base_url.rstrip('/')}/api/admin"
        self._features = f"{self._admin}/projects/{settings.project}/features"
        self._caller = caller
        self._one_writer = one_writer
        self._wall_clock = wall_clock

    @property
    def per_tenant(self) -> bool:
        """No."""
        return False

    def lacks(self, flag: str) -> str:  # noqa: ARG002
        """Nothing: clients fetch the value by themselves."""
        return ""

    def finish(self, flag: str) -> None:
        """Nothing is ever left to do."""

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value for everyone; not known if the flag is missing or only partly on."""
        require_global(tenant_id, "Unleash")
        return self._look(flag)[0]

    def effective(self, flag: str, tenant_id: str) -> bool | None:  # noqa: ARG002
        """Unleash's value for everyone; None where it has none."""
        return self.get(flag, EVERYWHERE).is_enabled

    def scopes(self, flag: str) -> list[FlagState]:
        """The global value, when Unleash tells it."""
        found = self.get(flag, EVERYWHERE)
        return [] if found.is_enabled is None else [found]

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Turn it, and keep the reason in the flag's description. A missing flag is made, off everywhere else.

        Raises:
            SafetyRefusal: it is not what was seen, or `on` would reach a part only; nothing was written.
            LedgerInvariantError: it was turned but has another value: someone changed it at the same moment.
        """
        for state in seen:
            require_global(state.tenant_id, "Unleash")
        return [self._write(state, to_value, actor, reason) for state in seen]

    def _write(self, seen: FlagState, to_value: bool, actor: str, reason: str) -> FlagState:
        flag = seen.flag
        with self._one_writer(flag):
            now, feature, events = self._look(flag)
            require_unchanged([seen], [now])
            if feature is None:
                self._make(flag)
            elif to_value:
                self._require_for_everybody(feature)
            newest = events[0].id if events else 0
            turn = "on" if to_value else "off"
            self._ask("POST", f"{self._feature(flag)}/environments/{self._settings.environment}/{turn}")
            events = self._events(flag)
            between = foreign(events, newest, to_value=to_value)
            if between is not None:
                raise LedgerInvariantError(
                    f"{seen.subject_id}: was turned {turn}, and {between.created_by} changed it in Unleash at the same moment "
                    f"({between.type}, event {between.id}); check there, then ask again"
                )
            self._keep(
                flag,
                Note(
                    is_enabled=to_value,
                    by=actor,
                    at=self._wall_clock.now().isoformat(),
                    reason=reason,
                    after=seen.version,
                    event=events[0].id if events else 0,
                ),
            )
            written, _, _ = self._look(flag)
        if written.is_enabled is not to_value or written.change_reason != reason:
            raise LedgerInvariantError(
                f"{seen.subject_id}: was turned {turn}, but is now {written.described()}; check in Unleash"
            )
        return written

    def _require_for_everybody(self, feature: Feature) -> None:
        environment = self._environment(feature)
        if feature.dependencies or (environment.active and not environment.reaches_everybody):
            raise SafetyRefusal(
                f"{feature.name}@{EVERYWHERE}: on would reach only some users: in {environment.name} it has a parent flag, or "
                "strategies that do not reach everyone; allowed: one without constraints and segments, at 100 %"
            )

    def _look(self, flag: str) -> tuple[FlagState, Feature | None, list[Event]]:
        # Events first: what changes between the two calls gets an older version with it, which a write refuses.
        # A flag that was deleted leaves its events to the next one of its name.
        events = self._events(flag)
        feature = self._found(flag)
        if feature is None:
            why = f"Unleash has no such flag in project {self._settings.project}"
            return FlagState(flag, EVERYWHERE, None, not_known_because=why), None, events
        value, why = value_of(feature, self._environment(feature))
        note, newest = note_in(feature.description, self._settings.environment), events[0] if events else None
        version = content_version(newest.id if newest else 0, note.model_dump() if note else None, value, why)
        state = FlagState(flag, EVERYWHERE, value, version, _reason(note, newest, value), why)
        turner = turned(events, value)
        if turner is not None:
            state = replace(state, changed_by=turner.created_by, changed_at=moment_or_none(turner.created_at))
        return state, feature, events

    def _environment(self, feature: Feature) -> Environment:
        name = self._settings.environment
        found = feature.environment(name)
        if found is None:
            raise SourceUnavailable(
                f"flag store {self._feature(feature.name)}: has no environment {name}; allowed: one of its project's, as the "
                "policy's flag_store names it"
            )
        return found

    def _found(self, flag: str) -> Feature | None:
        url = self._feature(flag)
        answer = self._caller.call("GET", url)
        if answer.status_code == httpx.codes.NOT_FOUND and _name_of(answer) == "NotFoundError":
            return None
        feature = _read(_expected(answer, url), Feature, url)
        if feature.name != flag:
            raise LedgerInvariantError(f"flag store {url}: is about another flag; allowed: {flag}")
        return feature

    def _events(self, flag: str) -> list[Event]:
        """The flag's changes in the environment, the newest one first."""
        wanted = f"feature=IS:{quote(flag, safe='')}&environment=IS:{self._settings.environment}&limit={_NEWEST_EVENTS}"
        url = f"{self._admin}/search/events?{wanted}"
        found = _read(self._ask("GET", url), Events, url).events
        return sorted(found, key=lambda event: -event.id)

    def _make(self, flag: str) -> None:
        body = {"name": flag, "type": "operational", "description": "made by ledger_guard"}
        answer = self._caller.call("POST", self._features, body=body)
        if answer.status_code == httpx.codes.CONFLICT:
            raise SafetyRefusal(
                f"{flag}@{EVERYWHERE}: Unleash has a flag of this name in another project, in its archive, or since just "
                f"now; allowed: one in project {self._settings.project}"
            )
        _expected(answer, self._features)

    def _keep(self, flag: str, note: Note) -> None:
        feature = self._found(flag)
        text = with_note(feature.description if feature else None, self._settings.environment, note)
        self._ask("PATCH", self._feature(flag), [{"op": "add", "path": "/description", "value": text}])

    def _ask(self, method: str, url: str, body: Any = None) -> httpx.Response:
        return _expected(self._caller.call(method, url, body=body), url)

    def _feature(self, flag: str) -> str:
        return f"{self._features}/{quote(flag, safe='')}"


def _reason(note: Note | None, newest: Event | None, value: bool | None) -> str:
    """The guard's own, while nothing changed since; else who changed it, as Unleash knows."""
    if note is not None and note.is_enabled is value and note.event == (newest.id if newest else 0):
        return note.reason
    return f"changed in Unleash by {newest.created_by}" if newest else ""


def _expected(answer: httpx.Response, url: str) -> httpx.Response:
    if answer.status_code not in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED):
        raise SourceUnavailable(f"flag store {url}: answered {answer.status_code}; allowed: 200, 201, 202")
    return answer


def _read(answer: httpx.Response, form: type[_Document], url: str) -> _Document:
    try:
        return form.model_validate_json(answer.content)
    except ValidationError as error:
        raise SourceUnavailable(f"flag store {url}: the answer does not have the form of Unleash's admin API") from error


def _name_of(answer: httpx.Response) -> str:
    """What Unleash calls an error; empty where something else answered."""
    try:
        found: Mapping[str, Any] = answer.json()
        return str(found.get("name", ""))
    except (ValueError, AttributeError):
        return ""
