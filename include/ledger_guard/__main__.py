"""`python -m ledger_guard …`."""

from __future__ import annotations

import sys

from ledger_guard.entrypoints.cli.main import main

sys.exit(main())
