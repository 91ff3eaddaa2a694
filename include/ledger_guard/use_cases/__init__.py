"""Use cases: one module per verb of the runbook. They know the ports and the rules, no driver and no Airflow."""
