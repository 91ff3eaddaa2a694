"""Whether the platform's wallets can be written at all: checked before a plan is stored and again before it is written."""

from __future__ import annotations

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.writability import WriteKind, certain_sentences, doubtful_sentences
from ledger_guard.ports import Dependencies


def require_writable(deps: Dependencies, needed: frozenset[WriteKind], what: str) -> tuple[str, ...]:
    """Return sentences about what may change or refuse such writes: each is a reason to ask a human.

    Raises:
        SafetyRefusal: writes can't succeed; the message begins with `what` and names every obstacle. Remove them.
        SourceUnavailable: the platform did not answer the writer's login, or is a replica.
    """
    if not needed:
        return ()
    obstacles = deps.backfill.obstacles()
    in_the_way = certain_sentences(obstacles, needed)
    if in_the_way:
        raise SafetyRefusal(f"{what}: wallets can't be written: {'; '.join(in_the_way)}")
    return doubtful_sentences(obstacles, needed, deps.policy.platform.wallet.known_triggers)
