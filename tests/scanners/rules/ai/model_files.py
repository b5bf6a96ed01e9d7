"""Cases for model_files.yaml."""

import hashlib
import os
import urllib.request

import keras
import onnxruntime as ort
import requests
import tensorflow as tf
import torch
from fastai.learner import load_learner
from fastai.vision.all import load_learner as load_vision
from huggingface_hub import hf_hub_download
from onnxruntime_extensions import get_library_path
from safetensors.torch import load_file
from transformers import AutoModel


def checkpoints(path):
    # ruleid: ai-torch-load-full-pickle
    first = torch.load(path, weights_only=False)
    # ruleid: ai-torch-load-full-pickle
    second = torch.load(path, map_location="cpu", weights_only=False)["state_dict"]
    return first, second


def checkpoints_mended(path):
    # ok: ai-torch-load-full-pickle, ai-torch-load-implicit-pickle
    first = torch.load(path, weights_only=True)
    # ok: ai-torch-load-full-pickle, ai-torch-load-implicit-pickle
    second = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    # ok: ai-torch-load-full-pickle, ai-torch-load-implicit-pickle
    third = load_file(path)
    return first, second, third


def checkpoints_by_version(path):
    # ruleid: ai-torch-load-implicit-pickle
    first = torch.load(path)
    # ruleid: ai-torch-load-implicit-pickle
    second = torch.load(path, map_location=torch.device("cpu"))
    return first, second


def safe_default_off():
    # ruleid: ai-torch-weights-only-switched-off
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    # ruleid: ai-torch-weights-only-switched-off
    os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "true")


def safe_default_off_mended():
    # ok: ai-torch-weights-only-switched-off
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "0"
    # ok: ai-torch-weights-only-switched-off
    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)


def programs(url, repo):
    target = "scorer.pt"
    urllib.request.urlretrieve(url, target)
    # ruleid: ai-downloaded-program-loaded
    first = torch.jit.load(target)
    path = hf_hub_download(repo, "scorer.pt")
    # ruleid: ai-downloaded-program-loaded
    second = torch.jit.load(path, map_location="cpu")
    body = requests.get(url, timeout=60).content
    # ruleid: ai-downloaded-program-loaded
    third = torch.package.PackageImporter(body)
    return first, second, third


def programs_mended(repo):
    # ok: ai-downloaded-program-loaded
    first = torch.jit.load("models/scorer.pt")
    path = hf_hub_download(repo, "scorer.pt", revision="9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e")
    # ok: ai-downloaded-program-loaded
    second = torch.jit.load(path, map_location="cpu")
    return first, second


def lambda_layers(path):
    # ruleid: ai-keras-safe-mode-off
    first = keras.models.load_model(path, safe_mode=False)
    # ruleid: ai-keras-safe-mode-off
    second = tf.keras.models.load_model(path, compile=False, safe_mode=False)
    # ruleid: ai-keras-safe-mode-off
    keras.config.enable_unsafe_deserialization()
    return first, second


def lambda_layers_mended(path, layers):
    # ok: ai-keras-safe-mode-off
    first = keras.models.load_model(path, custom_objects=layers)
    # ok: ai-keras-safe-mode-off
    second = tf.keras.models.load_model(path, compile=False, safe_mode=True)
    return first, second


def weights_format(model_id, commit, model):
    # ruleid: ai-safetensors-refused
    first = AutoModel.from_pretrained(model_id, revision=commit, use_safetensors=False)
    # ruleid: ai-safetensors-refused
    second = AutoModel.from_pretrained("./local", use_safetensors=False)
    # ruleid: ai-pickle-weights-saved
    model.save_pretrained("out", safe_serialization=False)
    # ruleid: ai-pickle-weights-saved
    model.push_to_hub("team/model", private=True, safe_serialization=False)
    return first, second


def weights_format_mended(model_id, commit, model):
    # ok: ai-safetensors-refused
    first = AutoModel.from_pretrained(model_id, revision=commit, use_safetensors=True)
    # ok: ai-safetensors-refused
    second = AutoModel.from_pretrained("./local")
    # ok: ai-pickle-weights-saved
    model.save_pretrained("out", safe_serialization=True)
    # ok: ai-pickle-weights-saved
    model.push_to_hub("team/model", private=True)
    return first, second


def learners(path):
    # ruleid: ai-fastai-load-learner
    first = load_learner(path)
    # ruleid: ai-fastai-load-learner
    second = load_vision(path, cpu=True)
    return first, second


def learners_mended(learner, model, path):
    # ok: ai-fastai-load-learner
    first = learner.load("stage-2", with_opt=False)
    # ok: ai-fastai-load-learner
    second = model.load_state_dict(load_file(path))
    return first, second


def operators(options: ort.SessionOptions, config, path):
    # ruleid: ai-native-op-library-loaded
    options.register_custom_ops_library(config["ops"])
    # ruleid: ai-native-op-library-loaded
    tf.load_op_library(path)
    # ruleid: ai-native-op-library-loaded
    torch.ops.load_library(os.path.join(path, "ops.so"))


def operators_mended(options: ort.SessionOptions):
    # ok: ai-native-op-library-loaded
    options.register_custom_ops_library(get_library_path())
    # ok: ai-native-op-library-loaded
    tf.load_op_library("/opt/ops/1.4.2/libops.so")
    # ok: ai-native-op-library-loaded
    torch.ops.load_library("/opt/ops/1.4.2/ops.so")
    return hashlib.sha256
