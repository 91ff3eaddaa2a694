"""Values and rules, without I/O: nothing here imports a driver, Airflow or the clock."""
