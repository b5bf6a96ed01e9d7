"""Reports made elsewhere (CI pipelines), read by the same laws as those of our own scans."""
