"""The recipes of CONTRIBUTING.md, as steps that can be followed on a copy of the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(
    r"^```python\n"
    r"# (?P<file>[\w./]+)(?:, (?P<how>below|above|instead of): (?P<line>[^\n]+)|: a new file)\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One block of code: which file it goes to, and where."""

    file: str
    #: `below`, `above` or `instead of` a line; None: the file is new
    how: str | None
    #: how that line begins; only one line of the file does
    line: str | None
    code: str

    def follow(self, copy: Path) -> None:
        """Do it in a copy of the repository."""
        path = copy / self.file
        if self.how is None:
            assert not path.exists(), f"{self.file} is there already"
            path.write_text(self.code, encoding="utf-8")
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        found = [number for number, each in enumerate(lines) if each.startswith(str(self.line))]
        assert len(found) == 1, f"{self.file}: {len(found)} lines begin with {self.line!r}"
        first = found[0] + (self.how == "below")
        # what goes above something is a class or a function of its own
        code = f"{self.code}\n\n" if self.how == "above" else self.code
        lines[first : found[0] + (self.how != "above")] = [code]
        path.write_text("".join(lines), encoding="utf-8")


def recipes() -> dict[str, str]:
    """Each recipe's text, by its heading."""
    parts = _HEADING.split(PAGE.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def steps_of(text: str) -> list[Step]:
    """The blocks of a recipe, in their order."""
    found = [Step(block["file"], block["how"], block["line"], block["code"]) for block in _BLOCK.finditer(text)]
    assert len(found) == text.count("```python"), "a block does not say where it goes"
    return found
