"""Policy section for running the platform's own backfill script: what, where, and within which limits."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ledger_guard.policy.section import Section
from ledger_guard.policy.words import AbsolutePath, VariableName

#: the script's database; without it the platform's script silently uses a SQLite file
DATABASE_URL = "DATABASE_URL"


def _not_the_database(name: str) -> str:
    if name == DATABASE_URL:
        raise ValueError("DATABASE_URL is always passed on; allowed: set its origin with database_url_from")
    return name


PassedOn = Annotated[VariableName, AfterValidator(_not_the_database)]


class BackfillWriter(str, Enum):
    """Who writes plans in the DAG `tenant_backfill`."""

    #: the guard's own force: exact, journaled, can be undone
    LEDGER_GUARD = "ledger_guard"
    #: the platform's own script, judged by our comparison before and after; can't be undone
    PLATFORM_SCRIPT = "platform_script"


class CommandRunner(Section):
    """How the platform's script is started: `interpreter interpreter_arguments… -m module --tenant-id=… …`, no shell."""

    #: the platform's own Python
    interpreter: AbsolutePath
    #: arguments between interpreter and `-m`
    interpreter_arguments: tuple[str, ...] = ()
    #: dotted name of the script, or of a launcher that imports what the script forgets
    module: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
    #: where it is started; the platform reads a `.env` there too
    working_directory: AbsolutePath
    #: `connection`: made from the platform connection, so it is the database that the guard compares; `environment`: the
    #: guard's own variable DATABASE_URL, for a login of the script's own
    database_url_from: Literal["connection", "environment"] = "connection"
    #: what a URL made from the connection begins with: the script wants its async driver named
    database_url_scheme: str = Field("postgresql+asyncpg", pattern=r"^postgresql(\+[a-z0-9_]+)?$")
    #: names of further variables that are passed on when the guard's environment has them; nothing else is
    environment: tuple[PassedOn, ...] = ()
    #: time limit of the script, for the dry-run and for the run
    timeout_seconds: float = Field(3600, gt=0, le=86_400)
    #: from SIGTERM to SIGKILL; Airflow kills a task itself five seconds after its SIGTERM
    term_grace_seconds: float = Field(3, ge=0, le=60)
    #: the script's `--batch-size`; moves that come while it writes a batch are lost, so small is safe and slow
    batch_rows: int = Field(100, ge=1, le=100_000)
    #: how many of its last lines are kept, and stored in the audit log
    keep_lines: int = Field(50, ge=1, le=1000)
