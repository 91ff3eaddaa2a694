"""In-memory adapters: product code for rehearsals and tests, held to the same contracts as the real ones."""
