"""What the two scanners that use trivy share: starting it, reading it, doubting it."""
