"""The flag store behind a small JSON interface (docs/flag_stores.md)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger_guard.adapters.flag_stores.scope_rules import require_global
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState, effective_value
from ledger_guard.policy.flag_store import FlagServer

_CHANGED_MEANWHILE = frozenset({409, 412})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Scope(_Strict):
    tenant_id: str = Field(min_length=1)
    is_enabled: bool
    version: int = Field(ge=1)
    change_reason: str = ""


class _Answer(_Strict):
    flag: str
    scopes: tuple[_Scope, ...]


class HttpFlagStore:
    """FlagStore over a server. What it answers is checked; a redirect, a page or a wrong shape is never taken for a value."""

    def __init__(self, settings: FlagServer, caller: HttpCaller) -> None:
        self._base = settings.base_url.rstrip("/")
        self._per_tenant = settings.per_tenant
        self._caller = caller

    @property
    def per_tenant(self) -> bool:
        """As the policy says of the server."""
        return self._per_tenant

    def lacks(self, flag: str) -> str:  # noqa: ARG002
        """Nothing that the interface tells."""
        return ""

    def finish(self, flag: str) -> None:
        """Nothing is left to do."""

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope."""
        if not self._per_tenant:
            require_global(tenant_id, "this flag server")
        return _of_scope(self.scopes(flag), flag, tenant_id)

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """What the platform obeys for this tenant."""
        return effective_value(self.scopes(flag), tenant_id)

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a value, the global one first."""
        url = f"{self._base}/v1/flags/{quote(flag, safe='')}"
        answer = self._caller.call("GET", url)
        if answer.status_code != httpx.codes.OK:
            raise SourceUnavailable(f"flag store {url}: answered {answer.status_code}; allowed: 200")
        return _states(answer, flag, url)

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write in all these scopes or in none, in one call.

        A call whose answer was lost may have written: before a refusal counts, the server is asked whose write stands there.
        """
        flag = seen[0].flag
        if not self._per_tenant:
            for state in seen:
                require_global(state.tenant_id, "this flag server")
        scopes = [
            {"tenant_id": state.tenant_id, "seen_is_enabled": state.is_enabled, "seen_version": state.version} for state in seen
        ]
        body = {"is_enabled": to_value, "changed_by": actor, "reason": reason, "scopes": scopes}
        # One key a call, for all of its tries. A later call must not be given the answer of an earlier one that looks alike.
        key = str(uuid.uuid4())
        url = f"{self._base}/v1/flags/{quote(flag, safe='')}/changes"
        answer = self._caller.call("POST", url, body=body, key=key)
        if answer.status_code in _CHANGED_MEANWHILE:
            return self._own_write(seen, to_value, reason)
        if answer.status_code != httpx.codes.OK:
            raise SourceUnavailable(f"flag store {url}: answered {answer.status_code}; allowed: 200, 409, 412")
        found = _states(answer, flag, url)
        written = [_of_scope(found, flag, state.tenant_id) for state in seen]
        if any(state.is_enabled is not to_value for state in written):
            raise LedgerInvariantError(f"flag store {url}: answered 200 with another value: its value is not known")
        return written

    def _own_write(self, seen: Sequence[FlagState], to_value: bool, reason: str) -> list[FlagState]:
        found = self.scopes(seen[0].flag)
        now = [_of_scope(found, state.flag, state.tenant_id) for state in seen]
        if all(state.is_enabled is to_value and state.change_reason == reason for state in now) and list(seen) != now:
            before = {state.tenant_id: state.version for state in seen}
            if all(state.version == before[state.tenant_id] + 1 for state in now):
                return now
        for was, state in zip(seen, now, strict=True):
            if was != state:
                raise SafetyRefusal(f"{was.subject_id}: changed meanwhile: now {state.described()}, not {was.described()}")
        raise SafetyRefusal(f"{seen[0].subject_id}: the flag server refused the write as out of date; ask again")


def _states(answer: httpx.Response, flag: str, url: str) -> list[FlagState]:
    try:
        found = _Answer.model_validate_json(answer.content)
    except ValidationError as error:
        raise SourceUnavailable(f"flag store {url}: the answer does not have the form in docs/flag_stores.md") from error
    scopes = [scope.tenant_id for scope in found.scopes]
    if found.flag != flag or len(set(scopes)) < len(scopes):
        raise LedgerInvariantError(f"flag store {url}: is about another flag, or has a scope twice; allowed: one value per scope")
    states = [FlagState(flag, scope.tenant_id, scope.is_enabled, scope.version, scope.change_reason) for scope in found.scopes]
    return sorted(states, key=lambda state: (state.tenant_id != EVERYWHERE, state.tenant_id))


def _of_scope(states: Sequence[FlagState], flag: str, tenant_id: str) -> FlagState:
    return next((state for state in states if state.tenant_id == tenant_id), FlagState(flag, tenant_id, None))
