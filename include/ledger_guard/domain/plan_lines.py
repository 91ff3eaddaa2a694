r"""A plan row as one line of text: how rows stream from the platform into guard state, and what a plan's hash covers.

The form is that of Postgres' text copy format: fields apart by tabs, `\N` for none, a backslash before what would end a
field or a line. So a row needs no second reading on its way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow, RowCause, RowState

_NONE = r"\N"
_ESCAPED = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_ESCAPES = str.maketrans(_ESCAPED)
_PLAIN = {escape: character for character, escape in _ESCAPED.items()}
_ESCAPE = re.compile(r"\\.")


def line_of(row: PlanRow) -> bytes:
    """The row's line, its end included: player, currency, cause, and the five amounts in cents."""
    amounts = (row.player_available, row.player_held, row.wallet_available, row.wallet_pending, row.ledger_explained)
    fields = [row.player_id.translate(_ESCAPES), row.currency.translate(_ESCAPES), row.cause.value]
    return "\t".join(fields + [_NONE if amount is None else str(amount) for amount in amounts]).encode() + b"\n"


def row_of(line: bytes) -> PlanRow:
    """The row of a line that `line_of` or the platform's database made; a protected row is set aside.

    Raises ValueError for any other text.
    """
    player_id, currency, cause, *amounts = line.decode().removesuffix("\n").split("\t")
    player_available, player_held, wallet_available, wallet_pending, ledger_explained = map(_cents, amounts)
    if player_available is None or player_held is None or ledger_explained is None:
        raise ValueError(f"plan row of player {player_id}: lacks an amount; allowed: only a wallet's may be missing")
    return PlanRow(
        player_id=_ESCAPE.sub(lambda found: _PLAIN[found[0]], player_id),
        currency=_ESCAPE.sub(lambda found: _PLAIN[found[0]], currency),
        cause=RowCause(cause),
        player_available=player_available,
        player_held=player_held,
        wallet_available=wallet_available,
        wallet_pending=wallet_pending,
        ledger_explained=ledger_explained,
        state=RowState.SET_ASIDE if cause == RowCause.PROTECTED.value else RowState.PLANNED,
    )


def cause_word(line: bytes) -> bytes:
    """The cause in a line, without reading the rest of it."""
    return line.split(b"\t", 3)[2]


def lines_of(rows: Iterable[PlanRow]) -> Iterator[bytes]:
    """The lines of rows in the order that a plan keeps them in: by the bytes of player id, then currency."""
    in_order = sorted(rows, key=lambda row: (row.player_id.encode(), row.currency.encode()))
    return (line_of(row) for row in in_order)


def hash_of_lines(lines: Iterable[bytes]) -> str:
    """SHA-256 over lines in a plan's order."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return digest.hexdigest()


def _cents(field: str) -> Cents | None:
    return None if field == _NONE else int(field)
