"""A small organisation to try Compline on, made on the spot and wholly offline."""
