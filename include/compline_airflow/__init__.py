"""The only package that may import airflow."""
