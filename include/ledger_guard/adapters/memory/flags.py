"""A flag store in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, FlagState, effective_value


class InMemoryFlagStore:
    """FlagStore that forgets when it ends; held to the same contract as the Postgres one."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], FlagState] = {}
        self._one_at_a_time = threading.Lock()
        self.keeps_tenants = True
        #: by flag, what a write still lacks to take effect
        self.unfinished: dict[str, str] = {}

    def put(
        self,
        flag: str,
        tenant_id: str,
        is_enabled: bool,
        reason: str = "set by hand",
        by: str = "",
        at: datetime | None = None,
    ) -> FlagState:
        """Set a value past every rule, as someone with access to the platform could."""
        with self._one_at_a_time:
            return self._write(self.get(flag, tenant_id), is_enabled, reason, by, at)

    def remove(self, flag: str, tenant_id: str) -> None:
        """Take a scope's value away past every rule."""
        with self._one_at_a_time:
            del self._states[flag, tenant_id]

    @property
    def per_tenant(self) -> bool:
        """Whether it keeps values of tenants; tests may say no."""
        return self.keeps_tenants

    def lacks(self, flag: str) -> str:
        """What a test says is still to be done after a write."""
        return self.unfinished.get(flag, "")

    def finish(self, flag: str) -> None:
        """Do it."""
        self.unfinished.pop(flag, None)

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope; None where it has none."""
        return self._states.get((flag, tenant_id), FlagState(flag, tenant_id, None))

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """What the platform obeys for this tenant."""
        return effective_value([self.get(flag, EVERYWHERE), self.get(flag, tenant_id)], tenant_id)

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a value, the global one first."""
        found = [state for state in list(self._states.values()) if state.flag == flag]
        return sorted(found, key=lambda state: (state.tenant_id != EVERYWHERE, state.tenant_id))

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write in all these scopes or in none."""
        with self._one_at_a_time:
            for state in seen:
                now = self.get(state.flag, state.tenant_id)
                if now != state:
                    raise SafetyRefusal(f"{state.subject_id}: changed meanwhile: now {now.described()}, not {state.described()}")
            return [self._write(state, to_value, reason, actor) for state in seen]

    def _write(self, state: FlagState, is_enabled: bool, reason: str, by: str, at: datetime | None = None) -> FlagState:
        version = state.version + 1
        written = FlagState(state.flag, state.tenant_id, is_enabled, version, reason, changed_by=by, changed_at=at)
        self._states[state.flag, state.tenant_id] = written
        return written
