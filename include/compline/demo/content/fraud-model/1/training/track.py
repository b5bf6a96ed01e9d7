"""Writes the experiment down."""

import mlflow

mlflow.set_tracking_uri("http://tracking.example.org:5000")


def log(run_parameters):
    with mlflow.start_run():
        mlflow.log_params(run_parameters)
