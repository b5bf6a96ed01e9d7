"""The pages, mounted behind Airflow's own login by plugins/compline_plugin.py."""
