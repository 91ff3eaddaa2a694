"""HTTP calls with a deadline and a size limit."""
