"""Pure: what is the same finding, what its life is, what got worse."""
