"""The findings store: what was looked at, what was found, and what is left to tell."""
