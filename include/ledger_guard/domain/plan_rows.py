r"""A plan row as one line of text: how rows stream from the platform into guard state, and what a plan's hash covers.

The form is that of Postgres' text copy format: fields apart by tabs, `\N` for none, a backslash before what would end a
field or a line. So a row needs no second reading on its way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow, RowState

_NONE = r"\N"
_ESCAPED = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_ESCAPES = str.maketrans(_ESCAPED)
_PLAIN = {escape: character for character, escape in _ESCAPED.items()}
#: two targets and five sums of the evidence
_AMOUNTS_BESIDE_BALANCES = 7
_ESCAPE = re.compile(r"\\.")


def escaped(text: str) -> str:
    """Text as a field of a line."""
    return text.translate(_ESCAPES)


def unescaped(field: str) -> str:
    """The text that a field of a line stands for."""
    return _ESCAPE.sub(lambda found: _PLAIN[found[0]], field)


def line_of(row: PlanRow) -> bytes:
    """The row's line, its end included: player, currency, cause, reason, and eleven amounts in cents.

    The amounts: player available and held, wallet available and pending, target available and pending, and the evidence in the
    order of PlanRow. A row of a plan made before targets were kept has eight fields, without reason and targets.
    """
    texts = [escaped(row.player_id), escaped(row.currency), row.cause.value]
    amounts: list[Cents | None] = [row.player_available, row.player_held, row.wallet_available, row.wallet_pending]
    if row.reason is None:
        amounts.append(row.wallet_only)
    else:
        texts.append(row.reason.value)
        amounts += [row.target_available, row.target_pending]
        amounts += [row.opening, row.wallet_only, row.player_only, row.counted_twice, row.other_currencies]
    return "\t".join(texts + [_NONE if amount is None else str(amount) for amount in amounts]).encode() + b"\n"


def row_of(line: bytes) -> PlanRow:
    """The row of a line that `line_of` or the platform's database made; what only a human may settle is set aside.

    Raises ValueError for any other text.
    """
    player_id, currency, cause_text, reason, *fields = line.decode().removesuffix("\n").split("\t")
    amounts = [_cents(field) for field in fields]
    player_available, player_held, wallet_available, wallet_pending, *others = amounts
    if player_available is None or player_held is None or len(others) != _AMOUNTS_BESIDE_BALANCES or None in others:
        raise ValueError(f"plan row of player {player_id}: lacks an amount; allowed: only a wallet's may be missing")
    target_available, target_pending, opening, wallet_only, player_only, counted_twice, other = (each or 0 for each in others)
    cause = RowCause(cause_text)
    return PlanRow(
        player_id=unescaped(player_id),
        currency=unescaped(currency),
        cause=cause,
        reason=RowReason(reason),
        player_available=player_available,
        player_held=player_held,
        wallet_available=wallet_available,
        wallet_pending=wallet_pending,
        target_available=target_available,
        target_pending=target_pending,
        opening=opening,
        wallet_only=wallet_only,
        player_only=player_only,
        counted_twice=counted_twice,
        other_currencies=other,
        state=RowState.PLANNED if cause.is_writable else RowState.SET_ASIDE,
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
