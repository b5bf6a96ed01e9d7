"""modelaudit and picklescan: two tools that open model files without loading them."""
