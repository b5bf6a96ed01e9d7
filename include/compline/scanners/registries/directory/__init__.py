"""A folder or a bucket in which models lie as files, one folder per model and version."""
