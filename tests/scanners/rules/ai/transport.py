"""Cases for transport.yaml."""

import os
import ssl

import aiohttp
import boto3
import httpx
import mlflow
import ollama
import requests
import torch
import urllib3
from elasticsearch import Elasticsearch
from huggingface_hub import HfApi
from mlflow import MlflowClient
from openai import OpenAI
from opensearchpy import OpenSearch
from pymilvus import MilvusClient
from qdrant_client import QdrantClient


def certificates(url):
    # ruleid: ai-tls-verify-off
    first = requests.get(url, timeout=5, verify=False)
    # ruleid: ai-tls-verify-off
    second = httpx.Client(verify=False)
    session = requests.Session()
    # ruleid: ai-tls-verify-off
    session.verify = False
    # ruleid: ai-tls-verify-off
    third = aiohttp.TCPConnector(limit=5, ssl=False)
    # ruleid: ai-tls-verify-off
    return first, second, third, urllib3.PoolManager(cert_reqs="CERT_NONE")


def certificates_mended(url):
    # ok: ai-tls-verify-off
    first = requests.get(url, timeout=5)
    # ok: ai-tls-verify-off
    second = httpx.Client(verify="/etc/ssl/internal.pem")
    session = requests.Session()
    # ok: ai-tls-verify-off
    session.verify = "/etc/ssl/internal.pem"
    # ok: ai-tls-verify-off
    return first, second, urllib3.PoolManager(cert_reqs="CERT_REQUIRED")


def contexts():
    # ruleid: ai-ssl-context-unverified
    first = ssl._create_unverified_context()
    # ruleid: ai-ssl-context-unverified
    ssl._create_default_https_context = ssl._create_unverified_context
    second = ssl.create_default_context()
    # ruleid: ai-ssl-context-unverified
    second.verify_mode = ssl.CERT_NONE
    return first, second


def contexts_mended():
    # ok: ai-ssl-context-unverified
    first = ssl.create_default_context(cafile="/etc/ssl/internal.pem")
    # ok: ai-ssl-context-unverified
    first.verify_mode = ssl.CERT_REQUIRED
    return first


def clients(hosts):
    # ruleid: ai-client-tls-off
    first = boto3.client("s3", verify=False)
    # ruleid: ai-client-tls-off
    second = OpenSearch(hosts=hosts, use_ssl=True, verify_certs=False)
    # ruleid: ai-client-tls-off
    return first, second, QdrantClient(url="https://vectors.example.org", verify=False)


def clients_mended(hosts):
    # ok: ai-client-tls-off
    first = boto3.client("s3", verify="/etc/ssl/internal.pem")
    # ok: ai-client-tls-off
    second = OpenSearch(hosts=hosts, use_ssl=True, verify_certs=True)
    return first, second


def process_wide():
    # ruleid: ai-tls-off-by-environment
    os.environ["CURL_CA_BUNDLE"] = ""
    # ruleid: ai-tls-off-by-environment
    os.environ["MLFLOW_TRACKING_INSECURE_TLS"] = "true"


def process_wide_mended():
    # ok: ai-tls-off-by-environment
    os.environ["CURL_CA_BUNDLE"] = "/etc/ssl/internal.pem"
    # ok: ai-tls-off-by-environment
    os.environ["MLFLOW_TRACKING_INSECURE_TLS"] = "false"


def tracking():
    # ruleid: ai-tracking-server-plain-http
    mlflow.set_tracking_uri("http://mlflow.example.org:5000")
    # ruleid: ai-tracking-server-plain-http
    client = MlflowClient(tracking_uri="http://10.0.4.7:5000")
    # ruleid: ai-tracking-server-plain-http
    os.environ["MLFLOW_TRACKING_URI"] = "http://mlflow.internal"
    return client


def tracking_mended():
    # ok: ai-tracking-server-plain-http
    mlflow.set_tracking_uri("https://mlflow.example.org")
    # ok: ai-tracking-server-plain-http
    client = MlflowClient(tracking_uri="http://localhost:5000")
    # ok: ai-tracking-server-plain-http
    os.environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:5000"
    return client


def hubs():
    # ruleid: ai-hub-endpoint-plain-http
    os.environ["HF_ENDPOINT"] = "http://hub-mirror.example.org"
    # ruleid: ai-hub-endpoint-plain-http
    api = HfApi(endpoint="http://hub-mirror.example.org")
    # ruleid: ai-hub-endpoint-plain-http
    return api, torch.hub.load_state_dict_from_url("http://models.example.org/net.pth", check_hash=True)


def hubs_mended():
    # ok: ai-hub-endpoint-plain-http
    os.environ["HF_ENDPOINT"] = "https://hub-mirror.example.org"
    # ok: ai-hub-endpoint-plain-http
    return HfApi(endpoint="http://localhost:8080")


def vector_stores():
    # ruleid: ai-vector-store-plain-http
    first = QdrantClient(url="http://vectors.example.org:6333")
    # ruleid: ai-vector-store-plain-http
    second = MilvusClient("http://10.1.2.3:19530")
    # ruleid: ai-vector-store-plain-http
    return first, second, Elasticsearch("http://search.example.org:9200")


def vector_stores_mended():
    # ok: ai-vector-store-plain-http
    first = QdrantClient(url="https://vectors.example.org:6333")
    # ok: ai-vector-store-plain-http
    second = MilvusClient("./local.db")
    # ok: ai-vector-store-plain-http
    return first, second, Elasticsearch("http://localhost:9200")


def endpoints():
    # ruleid: ai-model-endpoint-plain-http
    first = OpenAI(base_url="http://llm.example.org/v1")
    # ruleid: ai-model-endpoint-plain-http
    return first, ollama.Client(host="http://10.0.0.9:11434")


def endpoints_mended():
    # ok: ai-model-endpoint-plain-http
    first = OpenAI(base_url="https://llm.example.org/v1")
    # ok: ai-model-endpoint-plain-http
    return first, ollama.Client(host="http://localhost:11434")
