"""The platform's environment file for the T2 secrets check."""

from __future__ import annotations

from pathlib import Path

import psycopg
from typing_extensions import LiteralString

_SECRETS: LiteralString = "select env_name, platform_value from ledger_sandbox.provider_secret order by env_name"


def write_environment(uri: str, path: Path) -> Path:
    """Write the webhook secrets that the platform verifies with now, as a dotenv file that only its owner may read.

    Write it again after a scenario or a repair: the file does not follow the database.
    """
    with psycopg.connect(uri) as connection:
        rows = connection.execute(_SECRETS).fetchall()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in rows), encoding="utf-8")
    return path
