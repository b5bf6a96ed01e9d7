"""Cases for leaks.yaml."""

import hashlib
import logging
import os
import subprocess

import mlflow
import ollama
import wandb
from openai import OpenAI

logger = logging.getLogger(__name__)
client = OpenAI()


def parameters(key, settings):
    # ruleid: ai-secret-as-run-parameter
    mlflow.log_param("api_key", key)
    # ruleid: ai-secret-as-run-parameter
    mlflow.log_params({"lr": 0.1, "db_password": settings.password})
    # ruleid: ai-secret-as-run-parameter
    wandb.init(project="p", config={"hf_token": key, "epochs": 3})
    # ruleid: ai-secret-as-run-parameter
    wandb.config["openai_api_key"] = key


def parameters_mended(key, settings):
    # ok: ai-secret-as-run-parameter
    mlflow.log_param("api_key", bool(key))
    # ok: ai-secret-as-run-parameter
    mlflow.log_params({"lr": 0.1, "max_tokens": settings.max_tokens})
    # ok: ai-secret-as-run-parameter
    wandb.init(project="p", config={"tokenizer": "bpe", "epochs": 3})


def environments():
    # ruleid: ai-environment-logged
    mlflow.log_params(dict(os.environ))
    # ruleid: ai-environment-logged
    logger.info("environment: %s", os.environ)
    everything = os.environ.copy()
    # ruleid: ai-environment-logged
    wandb.config.update(everything)


def environments_mended():
    # ok: ai-environment-logged
    mlflow.log_params({"region": os.environ["AWS_REGION"]})
    # ok: ai-environment-logged
    logger.info("region: %s", os.environ.get("AWS_REGION"))
    # ok: ai-environment-logged
    logger.info("variables: %s", sorted(os.environ))
    child = subprocess.Popen(["serve"], env=os.environ.copy())
    # ok: ai-environment-logged
    print(f"started {child.pid}")


def logged():
    key = os.environ["OPENAI_API_KEY"]
    # ruleid: ai-secret-logged
    logger.info("using key %s", key)
    # ruleid: ai-secret-logged
    print(f"token: {os.getenv('HF_TOKEN')}")


def logged_mended():
    key = os.environ["OPENAI_API_KEY"]
    # ok: ai-secret-logged
    logger.info("key is set: %s", bool(key))
    # ok: ai-secret-logged
    logger.info("key digest %s", hashlib.sha256(key.encode()).hexdigest()[:8])
    # ok: ai-secret-logged
    print(f"model: {os.getenv('MODEL_NAME')}")
    # ok: ai-secret-logged
    print(OpenAI(api_key=key).models.list())
    items, source = load_manifest("manifest.json", key)
    # ok: ai-secret-logged
    logger.info("%d items from %s", len(items), source)


def prompted(question):
    password = os.getenv("DB_PASSWORD")
    # ruleid: ai-secret-in-prompt
    messages = [{"role": "system", "content": f"The database password is {password}."}]
    # ruleid: ai-secret-in-prompt
    answer = ollama.generate(model="m", prompt="Use the key " + os.environ["SEARCH_API_KEY"] + question)
    return messages, answer


def prompted_mended(question):
    host = os.getenv("DB_HOST")
    # ok: ai-secret-in-prompt
    messages = [{"role": "system", "content": f"Call the tool query_database; it knows {host}."}]
    # ok: ai-secret-in-prompt
    answer = ollama.generate(model="m", prompt="Search for " + question)
    return messages, answer
