"""Alembic's environment: runs on the connection that `adapters/postgres/migrate.py` hands over, never on one of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

SCHEMA = "ledger_guard"
VERSION_TABLE = "schema_version"

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table=VERSION_TABLE,
    version_table_schema=SCHEMA,
    transactional_ddl=True,
)
with context.begin_transaction():
    # Two upgrades at once: the second waits here and then finds nothing left to do.
    connection.execute(text("select pg_advisory_xact_lock(hashtext('ledger_guard.migrate'))"))
    # Looked up first: `create schema if not exists` wants the right to create even when there is nothing to create.
    if connection.execute(text("select to_regnamespace('ledger_guard')")).scalar() is None:
        connection.execute(text("create schema ledger_guard"))
    context.run_migrations()
