"""What columns really hold: sampled, counted, never kept."""
