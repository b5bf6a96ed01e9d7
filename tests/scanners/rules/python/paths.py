"""Cases for rules/python/paths.yaml; read by semgrep --test, never run."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import streamlit as st
from aiohttp import web
from fastapi import FastAPI, UploadFile
from fastapi.responses import FileResponse
from flask import Flask, request, send_file
from werkzeug.utils import secure_filename

api = FastAPI()
app = Flask(__name__)
BASE = Path("/srv/files")


@app.route("/files/<path:name>")
def flask_file(name):
    # ruleid: py-path-traversal
    send_file(os.path.join("/srv/files", name))
    # ok: py-path-traversal
    send_file(os.path.join("/srv/files", secure_filename(name)))
    path = (BASE / name).resolve()
    if not path.is_relative_to(BASE):
        return "no"
    # ok: py-path-traversal
    return send_file(path)


@app.route("/upload")
def flask_upload():
    upload = request.files["file"]
    # ruleid: py-path-traversal
    upload.save("/srv/" + upload.filename)
    # ok: py-path-traversal
    upload.save("/srv/" + os.path.basename(upload.filename))


@api.post("/upload")
async def fastapi_upload(upload: UploadFile, name: str):
    # ruleid: py-path-traversal
    with open(f"/srv/{upload.filename}", "wb") as out:
        shutil.copyfileobj(upload.file, out)
    # ruleid: py-path-traversal
    (BASE / name).write_text("x")
    # ok: py-path-traversal
    (BASE / Path(name).name).write_text("x")
    # ruleid: py-path-traversal
    return FileResponse(BASE / name)


@api.get("/images/{name}")
async def fastapi_segment(name: str):
    # ok: py-path-traversal
    return FileResponse(BASE / name)


@api.get("/documents/{name:path}")
async def fastapi_path(name: str):
    # ruleid: py-path-traversal
    return FileResponse(BASE / name)


@app.route("/images/<name>")
def flask_segment(name):
    # ok: py-path-traversal
    return send_file("/srv/files/" + name)


@api.get("/streams/{name}")
def fastapi_table(name: str, streams: Streams = Depends(streams)):
    stream = streams.pending.get(name, {})
    # ok: py-path-traversal
    return FileResponse(stream.path)


def django_file(request):
    # ruleid: py-path-traversal
    open("/srv/" + request.GET["name"])
    number = int(request.GET["number"])
    # ok: py-path-traversal
    return open(f"/srv/{number}")


async def aiohttp_file(request):
    # ruleid: py-path-traversal
    return web.FileResponse(BASE / request.match_info["name"])


upload = st.file_uploader("file")
# ruleid: py-path-traversal
Path("/srv", upload.name).write_bytes(upload.getbuffer())
# ok: py-path-traversal
Path("/srv", secure_filename(upload.name)).write_bytes(upload.getbuffer())


def unzip(file, target):
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            # ruleid: py-archive-member-path
            with open(os.path.join(target, name), "wb") as out:
                out.write(archive.read(name))
        for member in archive.infolist():
            # ruleid: py-archive-member-path
            (target / member.filename).write_bytes(archive.read(member))
            # ok: py-archive-member-path
            (target / os.path.basename(member.filename)).write_bytes(archive.read(member))
        for member in archive.infolist():
            path = (target / member.filename).resolve()
            if not path.is_relative_to(target):
                continue
            # ok: py-archive-member-path
            path.write_bytes(archive.read(member))


def untar(file, target):
    with tarfile.open(file) as archive:
        # ruleid: py-tar-extract-without-filter
        archive.extractall(target)
        # ok: py-tar-extract-without-filter
        archive.extractall(target, filter="data")
    other = tarfile.open(file, "r:gz")
    # ruleid: py-tar-extract-without-filter
    other.extractall()
    # ok: py-tar-extract-without-filter
    other.extractall(target, members=checked(other))
    with zipfile.ZipFile(file) as safe:
        # ok: py-tar-extract-without-filter
        safe.extractall(target)


def temporary():
    # ruleid: py-tempfile-name-race
    name = tempfile.mktemp()
    # ruleid: py-tempfile-name-race
    other = tempfile.mktemp(suffix=".pt")
    # ok: py-tempfile-name-race
    handle, path = tempfile.mkstemp()
    # ok: py-tempfile-name-race
    return tempfile.NamedTemporaryFile(suffix=".pt")


def modes(path):
    # ruleid: py-world-writable-file
    os.chmod(path, 0o777)
    # ruleid: py-world-writable-file
    Path(path).chmod(0o666)
    # ruleid: py-world-writable-file
    os.chmod(path, stat.S_IRWXU | stat.S_IWOTH)
    # ok: py-world-writable-file
    os.chmod(path, 0o755)
    # ok: py-world-writable-file
    Path(path).chmod(0o640)
    # ok: py-world-writable-file
    os.chmod(path, mode & ~stat.S_IWOTH)
