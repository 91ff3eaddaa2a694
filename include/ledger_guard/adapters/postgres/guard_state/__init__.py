"""The stores of guard state in Postgres, one per module, over a connection that the caller opens and commits."""
