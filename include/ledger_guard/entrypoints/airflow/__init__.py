"""What the DAGs use of Airflow: gates, conf, connections, runs, failures."""
