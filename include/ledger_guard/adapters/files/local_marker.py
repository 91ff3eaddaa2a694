"""What was told, remembered on this machine's disk: for when guard state can't."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class FileMarker:
    """LocalMarker in a folder of this user's. Where it can't be used nothing is remembered: people are told again."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is made when it is needed; None: one in the system's folder for temporary files."""
        self._folder = folder or Path(tempfile.gettempdir()) / f"ledger_guard_{os.getuid()}"

    def begin(self, about: str, at: datetime, every: timedelta) -> bool:
        """See LocalMarker."""
        try:
            file = self._file(about)
            told = _moment(file)
            if told is not None and timedelta(0) <= at - told < every:
                return False
            file.write_text(at.isoformat(), encoding="ascii")
        except OSError:
            return True
        return True

    def forget(self, about: str) -> None:
        """See LocalMarker."""
        try:
            self._file(about).unlink(missing_ok=True)
        except OSError:
            return

    def _file(self, about: str) -> Path:
        """Raises OSError where another user could have made it, to keep people from being told."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & _OTHERS_MAY_WRITE:
            raise PermissionError(f"folder {self._folder}: others may write it")
        return self._folder / (re.sub(r"[^a-z0-9_]", "_", about.lower()) + ".told")


def _moment(file: Path) -> datetime | None:
    try:
        found = datetime.fromisoformat(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return found if found.tzinfo else None
