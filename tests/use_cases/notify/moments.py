"""When the worlds of these tests stand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
WINDOW = timedelta(minutes=5)
