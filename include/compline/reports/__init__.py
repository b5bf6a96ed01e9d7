"""What the store knows, for people and for other programs: one format a file."""
