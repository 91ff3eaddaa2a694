"""The stores of guard state in Postgres, one a module, over a connection that somebody else opened and commits."""
