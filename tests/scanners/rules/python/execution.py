"""Cases for rules/python/execution.yaml; read by semgrep --test, never run."""

import asyncio
import importlib
import json
import os
import pickle
import re
import shlex
import subprocess
import sys

import streamlit as st
import yaml
from fastapi import FastAPI, UploadFile
from flask import Flask, request

api = FastAPI()
app = Flask(__name__)
LOADERS = {"csv": "shop.csv"}


@app.route("/shell/<host>")
def flask_shell(host):
    # ruleid: py-command-injection, py-shell-formatted-command
    os.system("ping -c 1 " + host)
    # ok: py-command-injection, py-shell-formatted-command
    os.system("ping -c 1 " + shlex.quote(host))
    # ok: py-command-injection, py-shell-formatted-command
    return subprocess.run(["ping", "-c", "1", host], check=True)


@api.post("/shell")
async def fastapi_shell(name: str, count: int):
    # ruleid: py-command-injection, py-shell-formatted-command
    await asyncio.create_subprocess_shell(f"convert {name} out.png")
    # ok: py-command-injection, py-shell-formatted-command
    await asyncio.create_subprocess_exec("convert", name, "out.png")
    # ok: py-command-injection
    await asyncio.create_subprocess_shell("head -n %d log" % int(name))


def django_shell(request):
    # ruleid: py-command-injection
    subprocess.check_output(["bash", "-c", request.GET["cmd"]])
    # ok: py-command-injection
    subprocess.check_output(["grep", "-c", request.GET["word"], "words"])


def formatted(path, branch):
    command = "tar xf {}".format(path)
    # ruleid: py-shell-formatted-command
    subprocess.Popen(command, shell=True)
    # ruleid: py-shell-formatted-command
    subprocess.getoutput("git checkout %s" % branch)
    # ok: py-shell-formatted-command
    subprocess.run(f"git checkout {shlex.quote(branch)}", shell=True)
    # ok: py-shell-formatted-command
    subprocess.run("git status", shell=True)
    # ok: py-shell-formatted-command
    subprocess.run(f"{sys.executable} -m build", shell=True)


def django_eval(request):
    # ruleid: py-code-injection
    eval(request.POST["expression"])
    kind = request.GET["kind"]
    # ok: py-code-injection
    importlib.import_module(LOADERS[kind])
    if kind not in LOADERS:
        raise KeyError(kind)
    # ok: py-code-injection
    importlib.import_module(f"shop.{kind}")


async def aiohttp_eval(request):
    body = await request.post()
    # ruleid: py-code-injection
    importlib.import_module(body["module"])
    # ok: py-code-injection
    json.loads(body["value"])


formula = st.text_area("formula")
# ruleid: py-code-injection
exec(formula)
# ok: py-code-injection
model.eval()


@api.post("/load")
async def fastapi_load(upload: UploadFile):
    content = await upload.read()
    # ruleid: py-untrusted-deserialization
    pickle.loads(content)
    # ok: py-untrusted-deserialization
    json.loads(content)


@app.route("/load")
def flask_load():
    # ruleid: py-untrusted-deserialization
    yaml.load(request.data, Loader=yaml.Loader)
    # ok: py-untrusted-deserialization
    yaml.load(request.data, Loader=yaml.SafeLoader)
    # ok: py-untrusted-deserialization
    yaml.safe_load(request.data)


def django_regex(request, text):
    # ruleid: py-regex-injection
    re.search(request.GET["pattern"], text)
    # ok: py-regex-injection
    re.search(re.escape(request.GET["pattern"]), text)


@api.get("/regex")
def fastapi_regex(pattern: str, text: str):
    # ruleid: py-regex-injection
    compiled = re.compile(".*" + pattern)
    # ok: py-regex-injection
    return re.findall("[a-z]+", text)
