"""Ingress log files: JSON Lines and lines of text, plain or compressed, at rest or followed, read into access events."""
