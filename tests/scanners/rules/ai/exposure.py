"""Cases for exposure.yaml."""

import gradio as gr
import ray
import uvicorn
from dask.distributed import LocalCluster
from fastapi import FastAPI
from transformers import pipeline

c = get_config()  # noqa: F821
app = FastAPI()
classify = pipeline("text-classification", model="./model")


def notebook():
    # ruleid: ai-jupyter-no-token
    c.NotebookApp.token = ""
    # ruleid: ai-jupyter-no-token
    c.ServerApp.allow_unauthenticated_access = True
    # ruleid: ai-jupyter-no-token
    c.IdentityProvider.token = ''
    # ruleid: ai-jupyter-all-interfaces
    c.ServerApp.ip = "0.0.0.0"
    # ruleid: ai-jupyter-all-interfaces
    c.NotebookApp.allow_origin = "*"


def notebook_mended(secret):
    # ok: ai-jupyter-no-token
    c.NotebookApp.token = secret
    c.ServerApp.password = "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA"
    # ok: ai-jupyter-no-token
    c.ServerApp.token = ""
    # ok: ai-jupyter-all-interfaces
    c.ServerApp.ip = "127.0.0.1"
    # ok: ai-jupyter-all-interfaces
    c.NotebookApp.allow_origin = "https://notebooks.example.org"


def demos(demo: gr.Blocks, check):
    # ruleid: ai-gradio-public-share
    demo.launch(share=True)
    # ruleid: ai-gradio-public-share, ai-gradio-open-to-network
    demo.queue().launch(server_name="0.0.0.0", share=True)
    # ruleid: ai-gradio-open-to-network
    demo.launch(server_name="0.0.0.0", server_port=7860)
    # ruleid: ai-gradio-serves-whole-disk
    demo.launch(allowed_paths=["/"])
    # ruleid: ai-gradio-serves-whole-disk
    demo.launch(auth=check, allowed_paths=["./out", "/home"])


def demos_mended(demo: gr.Blocks, check):
    # ok: ai-gradio-public-share
    demo.launch(share=False)
    # ok: ai-gradio-public-share, ai-gradio-open-to-network
    demo.queue().launch(server_name="0.0.0.0", share=True, auth=check)
    # ok: ai-gradio-open-to-network
    demo.launch(server_name="127.0.0.1", server_port=7860)
    # ok: ai-gradio-serves-whole-disk
    demo.launch(allowed_paths=["./out"])
    # ok: ai-gradio-serves-whole-disk
    demo.launch(auth=check, allowed_paths=["/srv/demo/out"])


def clusters(security):
    # ruleid: ai-cluster-open-to-network
    ray.init(dashboard_host="0.0.0.0")
    # ruleid: ai-cluster-open-to-network
    return LocalCluster(n_workers=4, host="0.0.0.0")


def clusters_mended(security):
    # ok: ai-cluster-open-to-network
    ray.init(dashboard_host="127.0.0.1")
    # ok: ai-cluster-open-to-network
    return LocalCluster(n_workers=4, host="0.0.0.0", security=security)


def servers(site):
    # ruleid: ai-server-open-to-network
    uvicorn.run(app, host="0.0.0.0", port=8000)
    # ruleid: ai-server-open-to-network
    site.run(host="0.0.0.0")


def servers_mended(site):
    # ok: ai-server-open-to-network
    uvicorn.run(app, host="127.0.0.1", port=8000)
    # ok: ai-server-open-to-network
    site.run(host="localhost")
