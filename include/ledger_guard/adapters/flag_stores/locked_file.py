"""A file that several writers change one after the other, each time as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_guard.domain.errors import ConcurrentWriterError, SafetyRefusal, SourceUnavailable

_LOOK_SECONDS = 0.05


class LockedFile:
    """Reads the file at any time; changes it only within `exclusively`. A symbolic link is followed, never replaced."""

    def __init__(self, path: str, lock_wait_seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._given = Path(path)
        self._wait = lock_wait_seconds
        self._sleep = sleep

    def read(self) -> bytes:
        """Its content. Raises SourceUnavailable when it can't be read: absent is not the same as empty."""
        try:
            return self._given.read_bytes()
        except OSError as error:
            raise self._unavailable("can't be read", error) from error

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other writers out for as long as the block lasts; a killed writer's lock goes with it.

        Raises:
            ConcurrentWriterError: another one did not end in time. Nothing was written.
            SourceUnavailable: the lock file beside it can't be made.
        """
        target = self._given.resolve()
        try:
            lock = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unavailable("can't be locked", error) from error
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        deadline = time.monotonic() + self._wait
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ConcurrentWriterError(
                        f"flag store {self._given}: another writer has held it for over {self._wait:g} s; start again later"
                    ) from None
                self._sleep(_LOOK_SECONDS)
            else:
                return

    def replace(self, seen: bytes, content: bytes) -> None:
        """Put `content` in the place of `seen`, in one step, with the same mode and owner, durably.

        Raises:
            SafetyRefusal: the file is no longer what was seen. Nothing was written.
            SourceUnavailable: it can't be replaced. Nothing was written.
        """
        target = self._given.resolve()
        place = None
        try:
            kept = target.stat()
            number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
            place = Path(name)
            with os.fdopen(number, "wb") as part:
                part.write(content)
                part.flush()
                if (kept.st_uid, kept.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(part.fileno(), kept.st_uid, kept.st_gid)
                os.fchmod(part.fileno(), kept.st_mode & 0o7777)
                os.fsync(part.fileno())
            if target.read_bytes() != seen:
                raise SafetyRefusal(
                    f"flag store {self._given}: changed meanwhile by someone without the lock; nothing was written"
                )
            place.replace(target)
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            hint = " (a file mounted by itself can't be: mount its folder)" if error.errno == errno.EBUSY else ""
            raise self._unavailable(f"can't be replaced{hint}", error) from error
        finally:
            if place is not None:
                place.unlink(missing_ok=True)

    def _unavailable(self, what: str, error: OSError) -> SourceUnavailable:
        return SourceUnavailable(f"flag store {self._given}: {what} ({error.strerror})")
