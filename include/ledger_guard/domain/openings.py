"""What a player held before the ledger, as one line of text: how it streams between the platform and guard state.

The form is that of domain/plan_rows.py: player id, available and held in cents, apart by tabs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger_guard.domain.ledger_evidence import Amounts
from ledger_guard.domain.plan_rows import escaped, unescaped


def opening_lines(openings: Mapping[str, Amounts]) -> bytes:
    """A block of whole lines."""
    return b"".join(f"{escaped(player)}\t{held.available}\t{held.held}\n".encode() for player, held in openings.items())


def openings_of(blocks: Iterable[bytes]) -> dict[str, Amounts]:
    """By player id, what blocks of whole lines hold."""
    fields = (line.split("\t") for line in b"".join(blocks).decode().split("\n") if line)
    return {unescaped(player): Amounts(int(available), int(held)) for player, available, held in fields}
