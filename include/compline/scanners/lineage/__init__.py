"""What depends on what, as files and labels say it: links of the asset graph, no findings."""
