"""One boolean flag of a flagd file: read into values by scope, and written back; anything else in the file is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE

_NOTE = "ledger_guard@"


@dataclass(frozen=True)
class FlagdDefinition:
    """Values and notes of one flag, by scope."""

    values: Mapping[str, bool]
    #: who, when and why, as JSON; by scope
    notes: Mapping[str, str]

    @classmethod
    def parse(cls, found: Any, tenant_variable: str, where: str) -> FlagdDefinition:
        """Read the flag's object, or None for a flag that the file does not name.

        Raises:
            LedgerInvariantError: it is disabled, not boolean, or has targeting that the guard did not write: what each tenant
                gets can't be told, and a write would lose the rule. Mend the file by hand.
        """
        if found is None:
            return cls({}, {})
        if not isinstance(found, dict) or found.get("state") != "ENABLED":
            raise LedgerInvariantError(f"flag store {where}: is not ENABLED, so clients take their own default; allowed: ENABLED")
        variants = _variants(found, where)
        values: dict[str, bool] = {}
        default = found.get("defaultVariant")
        if default is not None:
            values[EVERYWHERE] = _variant(variants, default, where)
        for tenants, variant in _branches(found.get("targeting"), tenant_variable, where):
            for tenant in tenants:
                if tenant in values or not isinstance(tenant, str) or not tenant:
                    raise _foreign(where)
                values[tenant] = _variant(variants, variant, where)
        metadata = found.get("metadata", {})
        notes = {key.removeprefix(_NOTE): text for key, text in metadata.items() if key.startswith(_NOTE)}
        return cls(values, notes)

    def written(self, found: Mapping[str, Any] | None, tenant_variable: str) -> dict[str, Any]:
        """The flag's object with these values; keys that the guard does not know stay."""
        definition = dict(found or {"state": "ENABLED"})
        definition.setdefault("variants", {"on": True, "off": False})
        names = {value: name for name, value in reversed(definition["variants"].items())}
        everywhere = self.values.get(EVERYWHERE)
        definition["defaultVariant"] = None if everywhere is None else names[everywhere]
        rule: list[Any] = []
        for value in (True, False):
            tenants = sorted(tenant for tenant, own in self.values.items() if tenant != EVERYWHERE and own is value)
            if tenants:
                rule += [{"in": [{"var": tenant_variable}, tenants]}, names[value]]
        definition.pop("targeting", None)
        if rule:
            definition["targeting"] = {"if": rule}
        kept = {key: text for key, text in definition.get("metadata", {}).items() if not key.startswith(_NOTE)}
        definition["metadata"] = kept | {_NOTE + scope: text for scope, text in self.notes.items()}
        return definition

    def reason(self, scope: str) -> str:
        """Why this scope holds its value, when the guard wrote it and nobody changed it since."""
        try:
            note = json.loads(self.notes.get(scope, ""))
            return str(note["reason"]) if note["is_enabled"] is self.values.get(scope) else ""
        except (ValueError, KeyError, TypeError):
            return ""


def _variants(found: Mapping[str, Any], where: str) -> dict[str, bool]:
    variants: dict[str, bool] = found.get("variants", {"true": True, "false": False})
    is_boolean = isinstance(variants, dict) and all(isinstance(value, bool) for value in variants.values())
    if not is_boolean or set(variants.values()) != {True, False}:
        raise LedgerInvariantError(f"flag store {where}: is not a boolean flag; allowed: a variant for true and one for false")
    return variants


def _variant(variants: Mapping[str, bool], name: Any, where: str) -> bool:
    if not isinstance(name, str) or name not in variants:
        raise LedgerInvariantError(f"flag store {where}: names a variant that it does not have; allowed: {', '.join(variants)}")
    return variants[name]


def _branches(targeting: Any, tenant_variable: str, where: str) -> Iterator[tuple[list[Any], Any]]:
    if targeting in (None, {}):
        return
    rule = targeting.get("if") if isinstance(targeting, dict) and list(targeting) == ["if"] else None
    if not isinstance(rule, list) or not rule or len(rule) % 2:
        raise _foreign(where)
    for condition, variant in zip(rule[::2], rule[1::2], strict=True):
        match condition:
            case {"in": [{"var": variable}, [*tenants]]} if variable == tenant_variable and len(condition) == 1:
                yield tenants, variant
            case _:
                raise _foreign(where)


def _foreign(where: str) -> LedgerInvariantError:
    return LedgerInvariantError(
        f"flag store {where}: has targeting that the guard did not write; allowed: none, or tenants listed once by the guard"
    )
