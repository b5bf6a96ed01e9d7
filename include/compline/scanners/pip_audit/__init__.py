"""pip-audit: pinned requirements against advisories."""
