"""Theft of models: access logs are read for downloads that are out of habit."""
