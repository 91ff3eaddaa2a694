"""What it costs to parse each DAG file."""
