"""One boolean flag of a flagd file: read into values by scope, and changed; anything else in the file is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ledger_guard.adapters.files.json_text import with_member, without_member
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE

_NOTE = "ledger_guard@"
_OWN_DEFAULT = "each client's own default counts"


@dataclass(frozen=True)
class FlagdDefinition:
    """Variants and notes of one flag, by scope."""

    #: what each variant means; the file's own names
    meanings: Mapping[str, bool]
    #: the variant of each scope: a tenant's branch, and globally the else branch or the default
    variants: Mapping[str, str]
    #: who, when and why, as JSON; by scope
    notes: Mapping[str, str]
    #: whether the global value is in an else branch, which comes before the default variant
    has_else: bool = False
    #: why the file has no global value; empty when it has one
    not_known_because: str = ""
    #: whether the file has the flag
    is_named: bool = True
    _changed: frozenset[str] = field(default=frozenset())

    @classmethod
    def parse(cls, found: Any, tenant_variable: str, where: str) -> FlagdDefinition:
        """Read the flag's object, or None for a flag that the file does not name.

        Raises:
            LedgerInvariantError: it is disabled, not boolean, or has targeting other than tenants listed once: what each
                tenant gets can't be told, and a write would lose the rule. Mend the file by hand.
        """
        if found is None:
            because = f"the file does not name it, {_OWN_DEFAULT}"
            return cls({"on": True, "off": False}, {}, {}, not_known_because=because, is_named=False)
        if not isinstance(found, dict) or found.get("state") != "ENABLED":
            raise LedgerInvariantError(f"flag store {where}: is not ENABLED, so clients use their own default; allowed: ENABLED")
        meanings = _meanings(found, where)
        branches, otherwise = _rule(found.get("targeting"), where)
        everybody = found.get("defaultVariant") if otherwise is None else otherwise
        variants = {} if everybody is None else {EVERYWHERE: _known(meanings, everybody, where)}
        for condition, variant in branches:
            for tenant in _tenants(condition, tenant_variable, where):
                if tenant in variants:
                    raise _foreign(where)
                variants[tenant] = _known(meanings, variant, where)
        because = f"the flag has no default variant, {_OWN_DEFAULT}" if everybody is None else ""
        return cls(meanings, variants, _notes(found.get("metadata"), where), otherwise is not None, because)

    def value(self, scope: str) -> bool | None:
        """What this scope has of its own."""
        variant = self.variants.get(scope)
        return None if variant is None else self.meanings[variant]

    def reason(self, scope: str) -> str:
        """The reason for this scope's value, if the guard wrote it and no one changed it since."""
        try:
            note = json.loads(self.notes.get(scope, ""))
            return str(note["reason"]) if note["is_enabled"] is self.value(scope) else ""
        except (ValueError, KeyError, TypeError):
            return ""

    def with_value(self, scope: str, to_value: bool, note: str) -> FlagdDefinition:
        """With another value in this scope, under the first variant that means it."""
        variant = self.variants.get(scope)
        if variant is None or self.meanings[variant] is not to_value:
            variant = next(name for name, meaning in self.meanings.items() if meaning is to_value)
        return replace(
            self,
            variants={**self.variants, scope: variant},
            notes={**self.notes, scope: note},
            not_known_because="" if scope == EVERYWHERE else self.not_known_because,
            _changed=self._changed | {scope},
        )

    def written(self, text: str, flag: str, tenant_variable: str) -> str:
        """The file's text with the changes of `with_value`; everything else unchanged."""
        place = ("flags", flag)
        if not self.is_named:
            text = with_member(text, place, {"state": "ENABLED", "variants": dict(self.meanings), "defaultVariant": None})
        if EVERYWHERE in self._changed:
            text = with_member(text, (*place, "defaultVariant"), self.variants[EVERYWHERE])
        if self._changed - {EVERYWHERE} or (self.has_else and self._changed):
            rule = self._targeting(tenant_variable)
            text = with_member(text, (*place, "targeting"), rule) if rule else without_member(text, (*place, "targeting"))
        for scope in sorted(self._changed):
            text = with_member(text, (*place, "metadata", _NOTE + scope), self.notes[scope])
        return text

    def _targeting(self, tenant_variable: str) -> dict[str, Any]:
        rule: list[Any] = []
        for variant in self.meanings:
            tenants = sorted(tenant for tenant, own in self.variants.items() if tenant != EVERYWHERE and own == variant)
            if tenants:
                rule += [{"in": [{"var": tenant_variable}, tenants]}, variant]
        if rule and self.has_else:
            rule.append(self.variants[EVERYWHERE])
        return {"if": rule} if rule else {}


def _meanings(found: Mapping[str, Any], where: str) -> dict[str, bool]:
    variants: dict[str, bool] = found.get("variants", {"true": True, "false": False})
    is_boolean = isinstance(variants, dict) and all(isinstance(value, bool) for value in variants.values())
    if not is_boolean or set(variants.values()) != {True, False}:
        raise LedgerInvariantError(f"flag store {where}: is not a boolean flag; allowed: a variant for true and one for false")
    return variants


def _known(meanings: Mapping[str, bool], name: Any, where: str) -> str:
    if not isinstance(name, str) or name not in meanings:
        raise LedgerInvariantError(f"flag store {where}: names a variant that it does not have; allowed: {', '.join(meanings)}")
    return name


def _notes(metadata: Any, where: str) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise LedgerInvariantError(f"flag store {where}: has metadata that is not a mapping; allowed: a mapping, null, or none")
    return {key.removeprefix(_NOTE): text for key, text in metadata.items() if key.startswith(_NOTE)}


def _rule(targeting: Any, where: str) -> tuple[list[tuple[Any, Any]], Any]:
    """Conditions with their variants, and the else branch; None where there is none."""
    if targeting in (None, {}):
        return [], None
    rule = targeting.get("if") if isinstance(targeting, dict) and list(targeting) == ["if"] else None
    if not isinstance(rule, list) or len(rule) < 2:
        raise _foreign(where)
    otherwise = rule[-1] if len(rule) % 2 else None
    return list(zip(rule[0 : len(rule) - 1 : 2], rule[1::2], strict=True)), otherwise


def _tenants(condition: Any, tenant_variable: str, where: str) -> Iterator[str]:
    tenants = _listed(condition, tenant_variable)
    if not tenants or not all(isinstance(tenant, str) and tenant and tenant != EVERYWHERE for tenant in tenants):
        raise _foreign(where)
    yield from tenants


def _listed(condition: Any, tenant_variable: str) -> Sequence[Any]:
    """The tenants of a condition in one of flagd's own forms; empty for any other condition."""
    if not isinstance(condition, dict) or len(condition) != 1:
        return ()
    variables = ({"var": tenant_variable}, {"var": [tenant_variable]})
    match condition:
        case {"in": [variable, [*tenants]]} if variable in variables:
            return tenants
        case {"==": [variable, tenant]} | {"===": [variable, tenant]} if variable in variables:
            return [tenant]
        case {"==": [tenant, variable]} | {"===": [tenant, variable]} if variable in variables:
            return [tenant]
        case _:
            return ()


def _foreign(where: str) -> LedgerInvariantError:
    return LedgerInvariantError(
        f"flag store {where}: has targeting other than tenants listed once; allowed: none, or an `if` whose conditions name "
        "tenants by `in` a list or by `==`"
    )
