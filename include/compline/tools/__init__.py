"""The external tools: installing them, and the one place that starts them."""
