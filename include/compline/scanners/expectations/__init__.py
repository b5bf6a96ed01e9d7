"""Checks of data stores: collectors make inventories, suites kept as data judge them."""
