"""Vulnerability data: OSV records and the service that answers from them, Trivy's database."""
