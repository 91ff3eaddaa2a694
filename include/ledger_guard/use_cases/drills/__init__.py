"""Drills: an incident of a canary tenant, played in memory through verdict, notice and gate."""
