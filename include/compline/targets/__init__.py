"""What exists: one file per source of targets."""
