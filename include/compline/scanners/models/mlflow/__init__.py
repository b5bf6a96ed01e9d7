"""An MLflow server as a place of models."""
