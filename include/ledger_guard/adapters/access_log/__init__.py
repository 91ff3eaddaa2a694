"""Ingress log files: JSON Lines and Apache/nginx combined lines, plain or gzipped, read into access events."""
