"""The sandbox that `make demo` or `make up` has running, for commands from another terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "var" / "sandbox"
#: in the sandbox's folder: its environment as shell exports, and the platform's dotenv file
ENVIRONMENT_FILE, PLATFORM_ENVIRONMENT_FILE = "env", "platform.env"


@dataclass(frozen=True)
class RunningSandbox:
    """Where a running sandbox can be reached."""

    database_uri: str
    #: the platform's environment file, in which the guard looks at secrets; None: not known
    environment_file: Path | None


def running_sandbox(folder: Path = FOLDER) -> RunningSandbox | None:
    """The sandbox of this folder; None when none was started there. One that has ended since refuses connections."""
    file = folder / ENVIRONMENT_FILE
    if not file.is_file():
        return None
    uri = dotenv_values(file, interpolate=False).get("AIRFLOW_CONN_LEDGER_DB")
    return RunningSandbox(uri, folder / PLATFORM_ENVIRONMENT_FILE) if uri else None
