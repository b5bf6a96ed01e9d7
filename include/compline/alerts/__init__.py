"""Telling people: what an alert says and how it reaches them."""
