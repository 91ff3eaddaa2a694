"""`python -m ledger_guard …`."""

from __future__ import annotations

import sys

from ledger_guard.cli import main

sys.exit(main())
