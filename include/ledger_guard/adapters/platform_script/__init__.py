"""The platform's own backfill script, run in bounds."""
