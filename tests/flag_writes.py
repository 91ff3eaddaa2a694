"""How tests write one flag in one scope."""

from ledger_guard.domain.flags import FlagState
from ledger_guard.ports.platform import FlagStore


def compare_and_set(store: FlagStore, seen: FlagState, to_value: bool, actor: str, reason: str) -> FlagState:
    return store.compare_and_set_all([seen], to_value, actor, reason)[0]
