"""Secrets in logs: files that the configuration names, and Airflow's task logs."""
