"""Compline: continuous compliance for organisations that build AI."""

__version__ = "0.1.0"
