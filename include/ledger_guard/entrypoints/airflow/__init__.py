"""The DAGs' side of Airflow: gates, conf, connections, runs, failures."""
