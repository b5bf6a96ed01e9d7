"""Cases for rules/python/gradio.yaml; read by semgrep --test, never run."""

import ast
import json
import os
import pickle
import shlex
import subprocess
from pathlib import Path

import gradio as gr
import jinja2
import joblib
import pandas as pd
import requests
import torch

STORE = "https://models.example.org"


def convert(prompt, size):
    # ruleid: py-gradio-input-in-command
    subprocess.run(f"convert {prompt}", shell=True)
    # ok: py-gradio-input-in-command
    subprocess.run(f"convert {shlex.quote(prompt)}", shell=True)
    # ok: py-gradio-input-in-command
    return subprocess.run(["convert", prompt, str(int(size))])


def ping(host):
    # ruleid: py-gradio-input-in-command
    return os.popen("ping " + host).read()


def calculate(formula):
    # ruleid: py-gradio-input-as-code
    result = eval(formula)
    # ok: py-gradio-input-as-code
    return ast.literal_eval(formula)


def transform(code, mode):
    # ruleid: py-gradio-input-as-code
    exec(code)
    if mode not in ("fast", "slow"):
        raise gr.Error("mode")
    # ok: py-gradio-input-as-code
    exec(f"run_{mode}()")


def predict(file):
    # ruleid: py-gradio-upload-deserialized
    return joblib.load(file.name)


def restore(checkpoint):
    # ruleid: py-gradio-upload-deserialized
    model = torch.load(checkpoint, weights_only=False)
    # ok: py-gradio-upload-deserialized
    model = torch.load(checkpoint, weights_only=True)
    # ok: py-gradio-upload-deserialized
    return json.load(open(checkpoint))


def search(text, con):
    # ruleid: py-gradio-input-in-sql
    pd.read_sql("SELECT * FROM docs WHERE text = '" + text + "'", con)
    # ok: py-gradio-input-in-sql
    return pd.read_sql("SELECT * FROM docs WHERE text = ?", con, params=(text,))


def remove(name):
    # ruleid: py-gradio-input-in-sql
    db.execute(f"DELETE FROM docs WHERE name = '{name}'")
    # ok: py-gradio-input-in-sql
    db.execute("DELETE FROM docs WHERE name = ?", (name,))


def answer(message, history):
    # ruleid: py-gradio-input-as-template
    return jinja2.Template(message).render(history=history)


def greet(message, history):
    # ok: py-gradio-input-as-template
    return jinja2.Template("{{ message }}").render(message=message)


def chat(message, system):
    # ruleid: py-gradio-input-as-template
    system = jinja2.Environment().from_string(system).render()
    # ok: py-gradio-input-as-template
    return jinja2.Environment().from_string("{{ message }}").render(message=message)


def load_image(url):
    # ruleid: py-gradio-request-forgery
    return requests.get(url, timeout=5).content


def download(name, url):
    # ruleid: py-gradio-request-forgery
    requests.get("https://" + url, timeout=5)
    # ok: py-gradio-request-forgery
    requests.get(f"https://models.example.org/{name}", timeout=5)
    # ok: py-gradio-request-forgery
    return requests.get(STORE + "/" + name, timeout=5)


def read(name):
    # ruleid: py-gradio-text-as-path
    return open(name).read()


def write(name):
    # ruleid: py-gradio-text-as-path
    (Path("/srv") / name).write_text("x")
    # ok: py-gradio-text-as-path
    (Path("/srv") / Path(name).name).write_text("x")


def show(image):
    # ok: py-gradio-text-as-path
    return open(image).read()


def helper(code):
    # ok: py-gradio-input-as-code
    return eval(code)


gr.Interface(fn=read, inputs="text", outputs="text")
gr.Interface(write, gr.Textbox(), "text")
gr.Interface(fn=show, inputs=gr.Image(type="filepath"), outputs="text")
gr.Interface(ping, "text", "text")
gr.ChatInterface(answer)
gr.ChatInterface(fn=greet)

with gr.Blocks() as demo:
    box = gr.Textbox()
    size = gr.Slider()
    button = gr.UploadButton()
    with gr.Row():
        box.submit(convert, [box, size])
        box.change(fn=calculate, inputs=box)
    button.upload(predict, button)
    button.click(transform, [box, box]).then(fn=search, inputs=box)
    button.click(restore, button)
    box.submit(remove, box)
    box.submit(chat, [box, box])
    box.submit(load_image, box)
    box.submit(download, [box, box])
