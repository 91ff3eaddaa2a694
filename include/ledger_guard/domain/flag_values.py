"""A flag's values by scope, as the record compares them: a word each, and what they mean together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.domain.identifiers import checked_tenant_id

#: so much of a scope that can't name a tenant is kept; no index takes a key of any length
_SHOWN_CHARACTERS = 60


class FlagValue(str, Enum):
    """What a store says about one scope."""

    ON = "on"
    OFF = "off"
    #: the scope has no value of its own
    NOT_SET = "not set"
    #: the platform may use a value that the store does not tell
    NOT_KNOWN = "not known"

    def is_safe(self, safe_value: bool) -> bool:
        """Whether it is certain to be the flag's safe value."""
        return self is flag_value(safe_value)


def flag_value(is_enabled: bool) -> FlagValue:
    """On or off."""
    return FlagValue.ON if is_enabled else FlagValue.OFF


def values_of(states: Iterable[FlagState]) -> dict[str, FlagValue]:
    """The values of a flag's scopes, those that are not set left out."""
    found = {scope_key(state.tenant_id): _value_of(state) for state in states}
    return {scope: value for scope, value in found.items() if value is not FlagValue.NOT_SET}


def effective_in(values: Mapping[str, FlagValue], scope: str) -> FlagValue:
    """The platform's value in a scope: its own, else the global one, else off."""
    for each in (scope, EVERYWHERE):
        value = values.get(each, FlagValue.NOT_SET)
        if value is not FlagValue.NOT_SET:
            return value
    return FlagValue.OFF


def scope_key(tenant_id: str) -> str:
    """A scope as it is recorded: a tenant id or `*` as it is; anything else escaped, shortened, with its hash behind `?`.

    A store that people write by hand may hold any text as a tenant.
    """
    if tenant_id == EVERYWHERE:
        return tenant_id
    try:
        return checked_tenant_id(tenant_id)
    except BadInputError:
        escaped = tenant_id.encode("unicode_escape").decode("ascii")
        return f"{escaped[:_SHOWN_CHARACTERS]}?{hashlib.sha256(escaped.encode()).hexdigest()[:16]}"


def _value_of(state: FlagState) -> FlagValue:
    if state.is_enabled is not None:
        return flag_value(state.is_enabled)
    return FlagValue.NOT_KNOWN if state.not_known_because else FlagValue.NOT_SET
