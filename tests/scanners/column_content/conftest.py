"""Looks into columns."""

from inventories import error_of, found, look_into, prove_once  # noqa: F401 - fixtures
