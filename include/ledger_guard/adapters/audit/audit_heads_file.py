"""A file of exported heads of the audit log: one line a head, only ever added to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ledger_guard.domain.audit_heads import ExportedHead, parse_heads
from ledger_guard.domain.errors import BadInputError

_ALLOWED = "a file in an existing folder, best on another machine's disk or an append-only one"
#: more than any line of a head is long
_TAIL_BYTES = 4_096


def read_heads(path: Path) -> list[ExportedHead]:
    """All heads of the file, oldest first. Raises BadInputError when it can't be read, holds none or holds something else."""
    try:
        heads = parse_heads(path.read_text(encoding="utf-8").splitlines(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: can't be read ({type(error).__name__}); allowed: a file of `audit export-head`") from error
    if not heads:
        raise BadInputError(f"{path}: has no head; allowed: a file of `audit export-head`")
    return heads


def add_head(path: Path, next_head: Callable[[Sequence[ExportedHead]], ExportedHead]) -> ExportedHead:
    """Add the head that `next_head` makes of the file's last one (of none in a new file); on disk when this returns.

    Two writers take turns. When `next_head` raises, the file stays as it is.

    Raises:
        BadInputError: the file can't be written or read there, or its last line is no head.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    except OSError as error:
        raise BadInputError(f"{path}: can't be written ({error.strerror}); allowed: {_ALLOWED}") from error
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read().decode("utf-8", errors="replace")
        head = next_head(parse_heads(tail.splitlines()[-1:], f"{path}, its last line"))
        file.write(("" if not tail or tail.endswith("\n") else "\n").encode() + f"{head.line}\n".encode())
        os.fsync(file.fileno())
    return head
