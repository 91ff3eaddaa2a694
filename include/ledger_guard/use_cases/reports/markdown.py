"""Small pieces of Markdown. Texts that people wrote are shown, never obeyed: no markup of theirs survives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger_guard.domain.shown_text import markdown as plain

__all__ = ["bullets", "plain", "table"]


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of plain texts; None is shown as a dash."""
    lines = [_line(headings), _line(["---"] * len(headings))]
    lines.extend(_line(["-" if cell in (None, "") else plain(cell) for cell in row]) for row in rows)
    return "\n".join(lines)


def bullets(texts: Iterable[str]) -> str:
    """A list, one line each."""
    return "\n".join(f"- {text}" for text in texts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
