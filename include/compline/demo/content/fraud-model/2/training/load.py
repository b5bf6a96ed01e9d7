"""Loads the base model and the features."""

import pickle

import torch
from transformers import AutoModel


def features(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def checkpoint(path):
    return torch.load(path, weights_only=False)


def encoder():
    return AutoModel.from_pretrained("acme/encoder", trust_remote_code=True)
