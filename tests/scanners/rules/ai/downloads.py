"""Cases for downloads.yaml."""

import hashlib
import urllib.request
from urllib.request import urlretrieve

import gdown
import keras
import pandas as pd
import pooch
import tensorflow as tf
import torch
from torchvision.datasets.utils import download_and_extract_archive, download_url

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def keras_files(url):
    # ruleid: ai-keras-get-file-unchecked
    first = keras.utils.get_file("reviews.npz", origin=url)
    # ruleid: ai-keras-get-file-unchecked
    second = tf.keras.utils.get_file(fname="corpus.txt", origin=url, extract=False)
    return first, second


def keras_files_mended(url):
    # ok: ai-keras-get-file-unchecked
    first = keras.utils.get_file("reviews.npz", origin=url, file_hash=DIGEST)
    # ok: ai-keras-get-file-unchecked
    second = tf.keras.utils.get_file(fname="corpus.txt", origin=url, file_hash=DIGEST, extract=False)
    return first, second


def weights(url):
    # ruleid: ai-torch-url-weights-unchecked
    first = torch.hub.load_state_dict_from_url(url, progress=True)
    # ruleid: ai-torch-url-weights-unchecked
    second = torch.utils.model_zoo.load_url(url, map_location="cpu")
    return first, second


def weights_mended(url):
    # ok: ai-torch-url-weights-unchecked
    first = torch.hub.load_state_dict_from_url(url, progress=True, check_hash=True)
    # ok: ai-torch-url-weights-unchecked
    second = torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
    return first, second


def files(url):
    # ruleid: ai-torch-url-file-unchecked
    torch.hub.download_url_to_file(url, "net.onnx")
    # ruleid: ai-torch-url-file-unchecked
    download_url(url, root="data", filename="train.csv")
    # ruleid: ai-torch-url-file-unchecked
    download_and_extract_archive(url, "data")


def files_mended(url):
    # ok: ai-torch-url-file-unchecked
    torch.hub.download_url_to_file(url, "net.onnx", hash_prefix=DIGEST)
    # ok: ai-torch-url-file-unchecked
    download_url(url, root="data", filename="train.csv", md5="5eb63bbbe01eeed093cb22bb8f5acdc3")
    # ok: ai-torch-url-file-unchecked
    download_and_extract_archive(url, "data", md5="5eb63bbbe01eeed093cb22bb8f5acdc3")


def registered_files(url):
    # ruleid: ai-pooch-hash-unknown
    first = pooch.retrieve(url, known_hash=None)
    # ruleid: ai-pooch-hash-unknown
    second = pooch.retrieve(url, None, path="data")
    return first, second


def registered_files_mended(url):
    # ok: ai-pooch-hash-unknown
    first = pooch.retrieve(url, known_hash="sha256:" + DIGEST)
    # ok: ai-pooch-hash-unknown
    second = pooch.retrieve(url, DIGEST, path="data")
    return first, second


def plain_downloads(url):
    # ruleid: ai-download-unchecked
    urllib.request.urlretrieve(url, "data/train.csv")
    # ruleid: ai-download-unchecked
    gdown.download(url, "data/model.pt", quiet=True)


def plain_downloads_mended(url):
    # ok: ai-download-unchecked
    urllib.request.urlretrieve(url, "data/train.csv")
    with open("data/train.csv", "rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != DIGEST:
            raise ValueError("not the file that was reviewed")


def plain_downloads_checked_by_a_helper(url, verify):
    # ok: ai-download-unchecked
    gdown.download(url, "data/model.pt", quiet=True)
    verify("data/model.pt", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")


def download_and_load(url):
    path = "weights.pt"
    # ruleid: ai-downloaded-file-loaded, ai-download-unchecked
    urlretrieve(url, path)
    state = torch.load(path, weights_only=True)
    return state


def download_and_read(url):
    # ruleid: ai-downloaded-file-loaded, ai-download-unchecked
    urllib.request.urlretrieve(url, filename="train.csv")
    return pd.read_csv("train.csv")


def download_and_load_mended(url):
    path = "weights.pt"
    # ok: ai-downloaded-file-loaded
    urlretrieve(url, path)
    with open(path, "rb") as handle:
        if hashlib.sha256(handle.read()).hexdigest() != DIGEST:
            raise ValueError("not the file that was reviewed")
    state = torch.load(path, weights_only=True)
    return state


def download_and_read_mended(url, verify):
    # ok: ai-downloaded-file-loaded
    urllib.request.urlretrieve(url, "train.csv")
    verify("train.csv", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    frame = pd.read_csv("train.csv")
    return frame


def tables():
    # ruleid: ai-dataset-plain-http
    first = pd.read_csv("http://data.example.org/train.csv")
    # ruleid: ai-dataset-plain-http, ai-keras-get-file-unchecked
    second = keras.utils.get_file("x.npz", origin="http://data.example.org/x.npz")
    return first, second


def tables_mended():
    # ok: ai-dataset-plain-http
    first = pd.read_csv("https://data.example.org/train.csv")
    # ok: ai-dataset-plain-http
    second = pd.read_csv("http://localhost:8000/train.csv")
    return first, second
