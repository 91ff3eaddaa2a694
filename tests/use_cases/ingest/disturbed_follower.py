"""A follower in a process of its own, whose folder changes while it reads, and which dies in the middle of it."""

import gzip
import os
import shutil
import signal
import sys
from pathlib import Path

from access_lines import NOW, POLICY
from backports import zstd
from following import Following

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import LedgerGuardError

PACKED = {".gz": gzip.compress, ".zst": zstd.compress}


def append(folder, name, text):
    """A writer opens its log anew for what it writes."""
    with (folder / name).open("a") as file:
        file.write(text)


def rename(folder, name):
    """As logrotate: every older one moves on by one, whatever its ending."""
    for path in sorted(folder.glob(f"{name}.[0-9]*"), key=lambda path: -int(path.name[len(name) + 1 :].split(".")[0])):
        number, *ending = path.name[len(name) + 1 :].split(".")
        path.rename(folder / ".".join([name, str(int(number) + 1), *ending]))
    if (folder / name).exists():
        (folder / name).rename(folder / f"{name}.1")


def copy_and_empty(folder, name):
    """As logrotate's copytruncate."""
    live = folder / name
    if live.exists():
        live.rename(folder / f"{name}.live")
        rename(folder, name)
        (folder / f"{name}.live").rename(live)
        shutil.copy(live, folder / f"{name}.1")
        os.truncate(live, 0)


def compress(folder, name, ending):
    """The newest old one."""
    old = folder / f"{name}.1"
    if old.exists() and old.stat().st_size:
        (folder / f"{name}.1{ending}").write_bytes(PACKED[ending](old.read_bytes()))
        old.unlink()


CHANGES = {change.__name__: change for change in (append, rename, copy_and_empty, compress)}


def apply(folder, change):
    """Change the folder."""
    name, *parameters = change
    CHANGES[name](folder, *parameters)


def follow_disturbed(uri, folder, changes, done, dies_at):
    """Look three times. `changes` come at counts of function calls and are noted in `done`; at `dies_at` it is killed."""
    folder, left = Path(folder), list(changes)
    store = PostgresAccessEventStore(ConnectionSettings.parse(uri, "ledger_guard_db"))
    following = Following(folder, store, memory_world(POLICY, NOW))
    calls = 0

    def at_call(*_):
        nonlocal calls
        calls += 1
        if left and calls >= left[0][0]:
            sys.setprofile(None)
            _, number, change = left.pop(0)
            apply(folder, change)
            Path(done).write_text(str(number))
            sys.setprofile(at_call)
        if calls == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(at_call)
    for _ in range(3):
        try:
            following.look()
        except LedgerGuardError as error:
            sys.setprofile(None)
            sys.exit(str(error))
    sys.setprofile(None)
