"""The flag store as a flag definition file of OpenFeature's flagd, which watches the file and serves it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from typing import Any

from ledger_guard.adapters.flag_stores.flagd_definition import FlagdDefinition
from ledger_guard.adapters.flag_stores.locked_file import LockedFile
from ledger_guard.adapters.flag_stores.scope_rules import content_version, require_unchanged
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE, FlagState, effective_value
from ledger_guard.policy.flag_store import FlagdFile
from ledger_guard.ports.platform import Clock


class FlagdFlagStore:
    """FlagStore over one JSON file. Other flags, `$evaluators` and metadata stand there byte for byte after a write."""

    def __init__(self, settings: FlagdFile, wall_clock: Clock) -> None:
        self._path = settings.path
        self._file = LockedFile(settings.path, settings.lock_wait_seconds)
        self._tenant_variable = settings.tenant_variable
        self._wall_clock = wall_clock

    @property
    def per_tenant(self) -> bool:
        """Yes: a targeting rule lists the tenants."""
        return True

    def lacks(self, flag: str) -> str:  # noqa: ARG002
        """Nothing: flagd watches the file."""
        return ""

    def finish(self, flag: str) -> None:
        """Nothing is left to do."""

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope."""
        return self._state(flag, tenant_id, self._definition(flag, self._parsed(self._file.read())))

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """What flagd answers for this tenant; None where it leaves that to the client."""
        definition = self._definition(flag, self._parsed(self._file.read()))
        return effective_value([self._state(flag, scope, definition) for scope in (EVERYWHERE, tenant_id)], tenant_id)

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a value, the global one first."""
        definition = self._definition(flag, self._parsed(self._file.read()))
        tenants = sorted(definition.variants, key=lambda tenant: (tenant != EVERYWHERE, tenant))
        return [self._state(flag, tenant, definition) for tenant in tenants]

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write all these scopes of one flag in one step, or none."""
        flag = seen[0].flag
        with self._file.exclusively():
            content = self._file.read()
            document = self._parsed(content)
            definition = self._definition(flag, document)
            require_unchanged(seen, [self._state(flag, state.tenant_id, definition) for state in seen])
            at = self._wall_clock.now().isoformat()
            for state in seen:
                # the version seen keeps two writes apart that are alike in all else
                note = {"is_enabled": to_value, "by": actor, "at": at, "reason": reason, "after": state.version}
                definition = definition.with_value(state.tenant_id, to_value, json.dumps(note))
            mark = "\ufeff" if content.startswith(codecs.BOM_UTF8) else ""
            text = definition.written(content.decode("utf-8-sig"), flag, self._tenant_variable)
            self._file.replace(content, (mark + text).encode())
        return [self._state(flag, state.tenant_id, definition) for state in seen]

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once_each)
        except ValueError as error:
            raise LedgerInvariantError(f"flag store {self._path}: can't be read as JSON with each key once ({error})") from error
        if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
            raise LedgerInvariantError(f"flag store {self._path}: has no mapping of flags; allowed: flagd's flag definitions")
        return document

    def _definition(self, flag: str, document: dict[str, Any]) -> FlagdDefinition:
        return FlagdDefinition.parse(document["flags"].get(flag), self._tenant_variable, f"{self._path}: {flag}")

    def _state(self, flag: str, tenant_id: str, definition: FlagdDefinition) -> FlagState:
        value = definition.value(tenant_id)
        if value is None:
            because = definition.not_known_because if tenant_id == EVERYWHERE else ""
            return FlagState(flag, tenant_id, None, not_known_because=because)
        version = content_version(value, definition.notes.get(tenant_id))
        return FlagState(flag, tenant_id, value, version, definition.reason(tenant_id))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found
