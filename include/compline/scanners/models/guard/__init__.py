"""model-guard: what vouches for models, and whether they still are what they were."""
