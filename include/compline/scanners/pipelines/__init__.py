"""Data pipelines: every hop against what its stores say, and the DAG against the declaration."""
