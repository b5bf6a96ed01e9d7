"""SageMaker's Model Registry as a place of models."""
