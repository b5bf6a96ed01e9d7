"""Cases for remote_code.yaml."""

import mlflow
import papermill as pm
import torch
from datasets import load_dataset
from diffusers import DiffusionPipeline
from fastapi import FastAPI
from flask import Flask, request
from huggingface_hub import hf_hub_download, snapshot_download
from kernels import get_kernel
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer, pipeline

COMMIT = "9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e"
ALLOWED = {"small": "acme/small", "large": "acme/large"}
app = Flask(__name__)
api = FastAPI()


def remote_code(model_id):
    # ruleid: ai-trust-remote-code
    first = AutoModel.from_pretrained(model_id, trust_remote_code=True)
    # ruleid: ai-trust-remote-code
    options = {"device_map": "auto", "trust_remote_code": True}
    # ruleid: ai-trust-remote-code
    options["trust_remote_code"] = True
    return first, options


def remote_code_mended(model_id):
    # ok: ai-trust-remote-code
    first = AutoModel.from_pretrained(model_id, revision=COMMIT, trust_remote_code=False)
    # ok: ai-trust-remote-code
    options = {"device_map": "auto", "trust_remote_code": False}
    return first, options


def torch_hub():
    # ruleid: ai-torch-hub-unpinned
    first = torch.hub.load("pytorch/vision", "resnet50", weights="DEFAULT")
    # ruleid: ai-torch-hub-unpinned
    second = torch.hub.load("pytorch/vision:main", "resnet50")
    # ruleid: ai-torch-hub-unpinned, ai-torch-hub-trust-skipped
    third = torch.hub.load("acme/vision:v0.10.0", "net", trust_repo=True)
    # ruleid: ai-torch-hub-trust-skipped
    fourth = torch.hub.load(f"acme/vision:{COMMIT}", "net", skip_validation=True)
    return first, second, third, fourth


def torch_hub_mended():
    # ok: ai-torch-hub-unpinned, ai-torch-hub-trust-skipped
    first = torch.hub.load("pytorch/vision:9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e9f1b3c5d7e", "resnet50")
    # ok: ai-torch-hub-unpinned, ai-torch-hub-trust-skipped
    second = torch.hub.load("vendor/vision", "resnet50", source="local")
    # ok: ai-torch-hub-trust-skipped
    third = torch.hub.load(f"acme/vision:{COMMIT}", "net", trust_repo="check")
    return first, second, third


def hub_files(repo):
    # ruleid: ai-hub-file-unpinned
    first = hf_hub_download("acme/ranker", "model.safetensors")
    # ruleid: ai-hub-file-unpinned
    second = snapshot_download(repo_id=repo, allow_patterns=["*.json"])
    return first, second


def hub_files_mended(repo):
    # ok: ai-hub-file-unpinned
    first = hf_hub_download("acme/ranker", "model.safetensors", revision=COMMIT)
    # ok: ai-hub-file-unpinned
    second = snapshot_download(repo_id=repo, revision=COMMIT, allow_patterns=["*.json"])
    # ok: ai-hub-file-unpinned
    third = snapshot_download(repo_id=repo, local_files_only=True)
    return first, second, third


def hub_models():
    # ruleid: ai-hub-model-unpinned
    first = AutoTokenizer.from_pretrained("acme/ranker")
    # ruleid: ai-hub-model-unpinned
    second = SentenceTransformer("acme/embedder", device="cpu")
    # ruleid: ai-hub-model-unpinned
    third = pipeline("summarization", model="acme/summary")
    return first, second, third


def hub_models_mended(path):
    # ok: ai-hub-model-unpinned
    first = AutoTokenizer.from_pretrained("acme/ranker", revision=COMMIT)
    # ok: ai-hub-model-unpinned
    second = SentenceTransformer("acme/embedder", device="cpu", revision=COMMIT)
    # ok: ai-hub-model-unpinned
    third = AutoModel.from_pretrained("./models/ranker")
    # ok: ai-hub-model-unpinned
    fourth = AutoModel.from_pretrained(path)
    return first, second, third, fourth


def hub_datasets():
    # ruleid: ai-dataset-unpinned
    first = load_dataset("acme/tickets", split="train")
    # ruleid: ai-dataset-unpinned
    second = load_dataset("acme/dialogues", "en", streaming=True)
    return first, second


def hub_datasets_mended():
    # ok: ai-dataset-unpinned
    first = load_dataset("acme/tickets", split="train", revision=COMMIT)
    # ok: ai-dataset-unpinned
    second = load_dataset("parquet", data_files="data/train.parquet")
    return first, second


def hub_kernels(repo):
    # ruleid: ai-hub-kernel-unpinned
    first = get_kernel("acme/activation")
    # ruleid: ai-hub-kernel-unpinned
    second = get_kernel(repo)
    return first, second


def hub_kernels_mended(repo):
    # ok: ai-hub-kernel-unpinned
    first = get_kernel("acme/activation", revision=COMMIT)
    # ok: ai-hub-kernel-unpinned
    second = get_kernel(repo, COMMIT)
    return first, second


def community_pipelines():
    # ruleid: ai-custom-pipeline-unpinned, ai-hub-model-unpinned
    first = DiffusionPipeline.from_pretrained("acme/base", custom_pipeline="someone/pipeline")
    # ruleid: ai-custom-pipeline-unpinned
    second = DiffusionPipeline.from_pretrained("acme/base", revision=COMMIT, custom_pipeline="someone/other")
    return first, second


def community_pipelines_mended():
    # ok: ai-custom-pipeline-unpinned
    first = DiffusionPipeline.from_pretrained(
        "acme/base", revision=COMMIT, custom_pipeline="someone/pipeline", custom_revision=COMMIT
    )
    # ok: ai-custom-pipeline-unpinned
    second = DiffusionPipeline.from_pretrained("acme/base", revision=COMMIT, custom_pipeline="./pipelines/ours")
    return first, second


def registered_models():
    # ruleid: ai-registry-model-floating
    first = mlflow.pyfunc.load_model("models:/ranker/Production")
    # ruleid: ai-registry-model-floating
    second = mlflow.sklearn.load_model("models:/ranker@champion")
    # ruleid: ai-registry-model-floating
    third = mlflow.pyfunc.load_model(model_uri="models:/ranker/latest")
    return first, second, third


def registered_models_mended():
    # ok: ai-registry-model-floating
    first = mlflow.pyfunc.load_model("models:/ranker/7")
    # ok: ai-registry-model-floating
    second = mlflow.sklearn.load_model(model_uri="models:/ranker/12")
    return first, second


def notebooks():
    # ruleid: ai-remote-notebook-executed
    pm.execute_notebook("https://example.org/train.ipynb", "out.ipynb")
    # ruleid: ai-remote-notebook-executed
    pm.execute_notebook(input_path="s3://shared/train.ipynb", output_path="out.ipynb")


def notebooks_mended():
    # ok: ai-remote-notebook-executed
    pm.execute_notebook("notebooks/train.ipynb", "out.ipynb")
    # ok: ai-remote-notebook-executed
    pm.execute_notebook(input_path="notebooks/train.ipynb", output_path="s3://runs/out.ipynb")


@app.route("/generate", methods=["POST"])
def chosen_by_form():
    name = request.json["model"]
    # ruleid: ai-web-input-selects-model
    return AutoModel.from_pretrained(name)


@api.post("/embed")
def chosen_by_parameter(model: str, text: str):
    # ruleid: ai-web-input-selects-model
    encoder = SentenceTransformer(model)
    return encoder.encode(text)


@api.post("/score")
async def chosen_by_body(body: dict):
    # ruleid: ai-web-input-selects-model
    return snapshot_download(repo_id=body["repo"], revision=COMMIT)


@app.route("/generate/mended", methods=["POST"])
def chosen_from_list():
    name = "acme/large" if request.json["model"] == "large" else "acme/small"
    # ok: ai-web-input-selects-model
    return AutoModel.from_pretrained(name, revision=COMMIT)


@api.post("/embed/mended")
def fixed(text: str):
    # ok: ai-web-input-selects-model
    encoder = SentenceTransformer("acme/embedder", revision=COMMIT)
    return encoder.encode(text)
