"""Calling people: whom, for what, until somebody takes it."""
