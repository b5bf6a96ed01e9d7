"""Cases for deserialisation.yaml."""

import json
import pickle
import socket
import urllib.request

import cloudpickle
import dill
import joblib
import jsonpickle
import numpy as np
import pandas as pd
import requests
import skops.io as sio
import torch
import yaml
from flask import request
from safetensors.torch import load


def pickles(path, raw):
    with open(path, "rb") as handle:
        # ruleid: ai-pickle-load
        state = pickle.load(handle)
    # ruleid: ai-pickle-load
    more = pickle.loads(raw)
    # ruleid: ai-pickle-load
    reader = pickle.Unpickler(path)
    return state, more, reader


def pickles_mended(path, raw, config):
    with open(path, "rb") as handle:
        # ok: ai-pickle-load
        state = json.load(handle)
    # ok: ai-pickle-load
    more = json.loads(raw)
    # ok: ai-pickle-load
    copy = pickle.loads(pickle.dumps(config))
    return state, more, copy


def over_the_network(url, bucket, s3):
    answer = requests.get(url, timeout=10)
    # ruleid: ai-untrusted-bytes-unpickled, ai-pickle-load
    first = pickle.loads(answer.content)
    body = s3.get_object(Bucket=bucket, Key="features.pkl")["Body"].read()
    # ruleid: ai-untrusted-bytes-unpickled, ai-dill-cloudpickle-load
    second = cloudpickle.loads(body)
    name = "weights.pt"
    urllib.request.urlretrieve(url, name)
    # ruleid: ai-untrusted-bytes-unpickled
    third = torch.load(name, weights_only=False)
    return first, second, third


def from_a_request():
    # ruleid: ai-untrusted-bytes-unpickled, ai-pickle-load
    return pickle.loads(request.data)


def from_a_socket(peer: socket.socket):
    chunk = peer.recv(4096)
    # ruleid: ai-untrusted-bytes-unpickled, ai-dill-cloudpickle-load
    return dill.loads(chunk)


def over_the_network_mended(url, bucket, s3):
    answer = requests.get(url, timeout=10)
    # ok: ai-untrusted-bytes-unpickled
    first = json.loads(answer.content)
    body = s3.get_object(Bucket=bucket, Key="features.safetensors")["Body"].read()
    # ok: ai-untrusted-bytes-unpickled
    second = load(body)
    name = "weights.pt"
    urllib.request.urlretrieve(url, name)
    # ok: ai-untrusted-bytes-unpickled
    third = torch.load(name, weights_only=True)
    return first, second, third


def round_trip(url):
    answer = requests.get(url, timeout=10)
    # ok: ai-untrusted-bytes-unpickled, ai-pickle-load
    return pickle.loads(pickle.dumps(answer))


def from_a_request_mended():
    # ok: ai-untrusted-bytes-unpickled
    return json.loads(request.data)


def whole_functions(path, raw):
    with open(path, "rb") as handle:
        # ruleid: ai-dill-cloudpickle-load
        first = dill.load(handle)
    # ruleid: ai-dill-cloudpickle-load
    second = cloudpickle.loads(raw)
    # ruleid: ai-dill-cloudpickle-load
    dill.load_session("session.pkl")
    return first, second


def whole_functions_mended(path, raw, function):
    with open(path, "rb") as handle:
        # ok: ai-dill-cloudpickle-load
        first = json.load(handle)
    # ok: ai-dill-cloudpickle-load
    second = cloudpickle.loads(cloudpickle.dumps(function))
    return first, second


def sklearn_models(path):
    # ruleid: ai-joblib-load
    first = joblib.load(path)
    # ruleid: ai-joblib-load
    second = joblib.load("models/forest.joblib", mmap_mode="r")
    return first, second


def sklearn_models_mended(path, reviewed):
    # ok: ai-joblib-load
    first = sio.load(path, trusted=reviewed)
    # ok: ai-joblib-load
    second = sio.load("models/forest.skops", trusted=["sklearn.tree._tree.Tree"])
    return first, second


def object_json(text):
    # ruleid: ai-jsonpickle-decode
    first = jsonpickle.decode(text)
    # ruleid: ai-jsonpickle-decode
    second = jsonpickle.loads(text)
    return first, second


def object_json_mended(text, value):
    # ok: ai-jsonpickle-decode
    first = json.loads(text)
    # ok: ai-jsonpickle-decode
    second = jsonpickle.decode(jsonpickle.encode(value))
    return first, second


def yaml_documents(text):
    # ruleid: ai-yaml-unsafe-load
    first = yaml.load(text, Loader=yaml.Loader)
    # ruleid: ai-yaml-unsafe-load
    second = yaml.unsafe_load(text)
    # ruleid: ai-yaml-unsafe-load
    third = yaml.load(text, yaml.UnsafeLoader)
    # ruleid: ai-yaml-unsafe-load
    fourth = list(yaml.load_all(text, Loader=yaml.CLoader))
    return first, second, third, fourth


def yaml_documents_mended(text):
    # ok: ai-yaml-unsafe-load
    first = yaml.load(text, Loader=yaml.SafeLoader)
    # ok: ai-yaml-unsafe-load
    second = yaml.safe_load(text)
    # ok: ai-yaml-unsafe-load
    third = yaml.load(text, yaml.CSafeLoader)
    return first, second, third


def tables(path):
    # ruleid: ai-pandas-read-pickle
    first = pd.read_pickle(path)
    # ruleid: ai-pandas-read-pickle
    second = pd.read_pickle("s3://features/train.pkl", compression="gzip")
    return first, second


def tables_mended(path):
    # ok: ai-pandas-read-pickle
    first = pd.read_parquet(path)
    # ok: ai-pandas-read-pickle
    second = pd.read_feather("s3://features/train.feather")
    return first, second


def arrays(path):
    # ruleid: ai-numpy-allow-pickle
    first = np.load(path, allow_pickle=True)
    # ruleid: ai-numpy-allow-pickle
    second = np.load(path, mmap_mode="r", allow_pickle=True, encoding="latin1")
    return first, second


def arrays_mended(path):
    # ok: ai-numpy-allow-pickle
    first = np.load(path)
    # ok: ai-numpy-allow-pickle
    second = np.load(path, mmap_mode="r", allow_pickle=False)
    return first, second


def skops_files(path):
    # ruleid: ai-skops-trusts-everything
    first = sio.load(path, trusted=sio.get_untrusted_types(file=path))
    unknown = sio.get_untrusted_types(file=path)
    # ruleid: ai-skops-trusts-everything
    second = sio.load(path, trusted=unknown)
    return first, second


def skops_files_mended(path):
    # ok: ai-skops-trusts-everything
    first = sio.load(path, trusted=["sklearn.tree._tree.Tree"])
    unknown = sio.get_untrusted_types(file=path)
    if set(unknown) - {"sklearn.tree._tree.Tree"}:
        raise ValueError("types that nobody reviewed")
    # ok: ai-skops-trusts-everything
    second = sio.load(path, trusted=unknown)
    return first, second
