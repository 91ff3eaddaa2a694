"""The embedded Postgres starts beside what others left on the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.postgres

START = (
    "import sys; from pathlib import Path; from ledger_sandbox.postgres import EmbeddedPostgres;"
    "server = EmbeddedPostgres(Path(sys.argv[1])); print('up'); server.stop()"
)


def test_a_lock_file_of_another_user_in_the_temporary_folder_is_no_hindrance(tmp_path):
    """A folder stands for a file that can't be opened: the superuser, who may run this, can open every file."""
    (tmp_path / ".lockfile").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"} | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", START, str(tmp_path / "pgdata")]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("up\n", 0), done.stderr
