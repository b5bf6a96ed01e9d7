"""bandit: files by content, its report, its rules."""
