"""Services that call people."""
