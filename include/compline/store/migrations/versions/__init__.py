"""One module per version of the tables, oldest first by number."""
