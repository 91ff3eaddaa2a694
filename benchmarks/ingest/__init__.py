"""What it costs to bring access-log lines in, beside a bare COPY."""
