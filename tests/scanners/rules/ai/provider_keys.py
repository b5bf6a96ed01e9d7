"""Cases for provider_keys.yaml. Every key here is invented."""

import os

import cohere
import huggingface_hub
import openai
import wandb
from anthropic import Anthropic
from langchain_openai import ChatOpenAI
from mistralai import Mistral


def openai_keys():
    # ruleid: ai-openai-key-in-code, ai-provider-key-in-call
    first = openai.OpenAI(api_key="sk-proj-FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKE")
    # ruleid: ai-openai-key-in-code, ai-provider-key-in-call
    second = ChatOpenAI(openai_api_key="sk-FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAK")
    return first, second


def openai_keys_mended():
    # ok: ai-openai-key-in-code, ai-provider-key-in-call
    first = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"])
    # ok: ai-openai-key-in-code, ai-provider-key-in-call
    second = openai.OpenAI(api_key="sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
    # ok: ai-openai-key-in-code, ai-provider-key-in-call
    third = openai.OpenAI(api_key="sk-local")
    return first, second, third


def anthropic_keys():
    # ruleid: ai-anthropic-key-in-code, ai-provider-key-in-call
    first = Anthropic(api_key="sk-ant-api03-FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKE")
    # ruleid: ai-anthropic-key-in-code
    headers = {"x-api-key": "sk-ant-admin01-FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FA"}
    return first, headers


def anthropic_keys_mended():
    # ok: ai-anthropic-key-in-code, ai-provider-key-in-call
    first = Anthropic(api_key=os.environ["ANTHROPIC_API_KEY"])
    # ok: ai-anthropic-key-in-code
    headers = {"x-api-key": "sk-ant-api03-..."}
    return first, headers


def hub_tokens():
    # ruleid: ai-huggingface-token-in-code
    huggingface_hub.login(token="hf_FAKEfakeFAKEfakeFAKEfakeFAKEfakeFA")
    # ruleid: ai-huggingface-token-in-code
    return {"Authorization": "Bearer hf_fakeFAKEfakeFAKEfakeFAKEfakeFAKEfa"}


def hub_tokens_mended():
    # ok: ai-huggingface-token-in-code
    huggingface_hub.login(token=os.environ["HF_TOKEN"])
    # ok: ai-huggingface-token-in-code
    return {"Authorization": "Bearer hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}


def other_providers():
    # ruleid: ai-provider-key-in-code
    groq = "gsk_FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKEfak"
    # ruleid: ai-provider-key-in-code
    google = "AIzaFAKEfake9FAKEfake9FAKEfake9FAKEfake"
    # ruleid: ai-provider-key-in-code
    langsmith = "lsv2_pt_fa4efa4efa4efa4efa4efa4efa4efa4e_fa4efa4efa"
    return groq, google, langsmith


def other_providers_mended():
    # ok: ai-provider-key-in-code
    groq = os.environ["GROQ_API_KEY"]
    # ok: ai-provider-key-in-code
    google = "AIza..."
    return groq, google


def in_calls():
    # ruleid: ai-provider-key-in-call
    first = cohere.Client("FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKE")
    # ruleid: ai-provider-key-in-call
    wandb.login(key="fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e")
    # ruleid: ai-provider-key-in-call
    openai.api_key = "fa4efa4efa4efa4efa4efa4efa4efa4e"
    # ruleid: ai-provider-key-in-call
    return first, Mistral(api_key="FAKEfake9FAKEfake9FAKEfake9FAKE9")


def in_calls_mended(settings):
    # ok: ai-provider-key-in-call
    first = cohere.Client(os.environ["COHERE_API_KEY"])
    # ok: ai-provider-key-in-call
    wandb.login(key=settings.wandb_key)
    # ok: ai-provider-key-in-call
    return first, Mistral(api_key="your-mistral-api-key-goes-here-1")


def in_environ():
    # ruleid: ai-provider-key-in-environ
    os.environ["WANDB_API_KEY"] = "fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e"
    # ruleid: ai-provider-key-in-environ
    os.environ.setdefault("COHERE_API_KEY", "FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKE")
    # ruleid: ai-provider-key-in-environ
    return os.getenv("AZURE_OPENAI_API_KEY", "fa4efa4efa4efa4efa4efa4efa4efa4e")


def in_environ_mended(vault):
    # ok: ai-provider-key-in-environ
    os.environ["WANDB_API_KEY"] = vault.read("wandb")
    # ok: ai-provider-key-in-environ
    os.environ.setdefault("WANDB_MODE", "offline")
    # ok: ai-provider-key-in-environ
    return os.getenv("AZURE_OPENAI_API_KEY", "")


def urls(user, token, repo):
    # ruleid: ai-hub-token-in-url
    first = f"https://{user}:{token}@huggingface.co/{repo}"
    # ruleid: ai-hub-token-in-url
    second = "https://oauth2:{token}@gitlab.example.org/team/models.git".format(token=token)
    return first, second


def urls_mended(token, repo):
    # ok: ai-hub-token-in-url
    first = f"https://huggingface.co/{repo}"
    # ok: ai-hub-token-in-url
    return first, {"Authorization": f"Bearer {token}"}
