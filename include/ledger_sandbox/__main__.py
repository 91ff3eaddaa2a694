"""Entry point of `python -m ledger_sandbox`."""

from __future__ import annotations

from ledger_sandbox.commands import sandbox

sandbox(prog_name="python -m ledger_sandbox")
