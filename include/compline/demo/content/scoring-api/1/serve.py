"""Serves the scores."""

import yaml


def configuration(path):
    with open(path) as file:
        return yaml.load(file, Loader=yaml.Loader)
