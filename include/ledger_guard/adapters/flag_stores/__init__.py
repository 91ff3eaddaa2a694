"""Flag stores besides the Postgres table: files and a server."""
