"""Data stores: per kind a collector, the suite that its inventory is held against, a canary."""
