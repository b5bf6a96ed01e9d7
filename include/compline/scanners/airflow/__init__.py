"""Airflow itself: an inventory of a deployment's settings, accounts, connections and DAGs."""
