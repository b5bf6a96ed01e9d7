"""Checks of model registries: facts are collected once, the policy is held against them."""
