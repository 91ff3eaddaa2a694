"""The Airflow that tests run against: an SQLite metadata database, known users and this project's folders.

Airflow reads its environment when it is first imported, so `prepare` has to come before that: tests/conftest.py calls it
while pytest starts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

PROJECT = Path(__file__).parent.parent

#: Airflow role of each user; the password is the name with `-pw` behind it
USERS = {"admin": "admin", "oncall": "user", "payments-lead": "user", "ops-lead": "user", "viewer": "viewer"}


def prepare(home: Path) -> None:
    """Set up `home` and the environment variables. Imports nothing of Airflow and makes no database."""
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({name: f"{name}-pw" for name in USERS}), encoding="utf-8")
    os.environ.update(
        {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests alone, long enough for the signing algorithm used here",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "LEDGER_GUARD_POKE_SECONDS": "1",
        }
    )


def make_database() -> None:
    """Make Airflow's metadata database in the prepared home."""
    from airflow.utils.db import initdb

    initdb()
