"""Kafka clusters, and what speaks like them."""
