"""Looks at the platform from outside: which value its instances serve, and what it does."""
