"""Scanners that work on single files: by content, batched over many repositories, bisected."""
