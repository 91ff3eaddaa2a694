"""Adapters: the ports' real and in-memory implementations. Drivers are imported here and nowhere further in."""
