"""Semgrep: which file needs which rules, its batches, its report, the rule packs."""
