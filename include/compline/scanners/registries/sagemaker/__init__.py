"""SageMaker Model Registry: who may reach model package groups, and what was approved."""
