"""Model files wherever they lie: listed, read as streams, opened by tools that load nothing."""
