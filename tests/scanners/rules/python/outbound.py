"""Cases for rules/python/outbound.yaml; read by semgrep --test, never run."""

import logging
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote
from urllib.request import urlopen

import aiohttp
import httpx
import requests
import streamlit as st
from aiohttp import web
from django.http import HttpResponseRedirect
from django.shortcuts import redirect as django_redirect
from django.utils.http import url_has_allowed_host_and_scheme
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from flask import Flask, redirect, request, url_for

api = FastAPI()
app = Flask(__name__)
logger = logging.getLogger(__name__)
HOOKS = {"build": "https://ci.example.org/build"}
API = "https://api.example.org"


@app.route("/fetch")
def flask_fetch():
    url = request.args["url"]
    # ruleid: py-server-side-request-forgery
    requests.get(url, timeout=5)
    # ruleid: py-server-side-request-forgery
    urlopen("http://" + url)
    # ok: py-server-side-request-forgery
    requests.get(HOOKS[url], timeout=5)
    # ok: py-server-side-request-forgery
    requests.get(f"https://api.example.org/items/{url}", timeout=5)
    target = API + "/" + url
    # ok: py-server-side-request-forgery
    requests.get(target, timeout=5)


@api.get("/fetch")
async def fastapi_fetch(url: str):
    async with httpx.AsyncClient() as client:
        # ruleid: py-server-side-request-forgery
        await client.get(url)
        # ok: py-server-side-request-forgery
        await client.get("https://api.example.org/", params={"url": url})
    if url not in HOOKS.values():
        return None
    # ok: py-server-side-request-forgery
    return httpx.get(url)


async def aiohttp_fetch(request):
    async with aiohttp.ClientSession() as session:
        # ruleid: py-server-side-request-forgery
        return await session.post(request.query["hook"])


# ruleid: py-server-side-request-forgery
page = httpx.get(st.text_input("address"))


@app.route("/go")
def flask_redirect():
    # ok: py-open-redirect
    redirect(url_for("index", page=request.args["page"]))
    # ok: py-open-redirect
    redirect(f"/items/{request.args['page']}")
    # ruleid: py-open-redirect
    return redirect(request.args.get("next"))


def django_go(request):
    target = request.GET["next"]
    # ruleid: py-open-redirect
    HttpResponseRedirect(target)
    if target and url_has_allowed_host_and_scheme(url=target, allowed_hosts=None):
        # ok: py-open-redirect
        return django_redirect(target)
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return None
    # ok: py-open-redirect
    return django_redirect(target)


def django_go_on(request):
    # ok: py-open-redirect
    return django_redirect(f"{HOME}?{request.GET.urlencode()}")


@api.get("/go")
def fastapi_go(to: str):
    # ruleid: py-open-redirect
    return RedirectResponse(url=to)


async def aiohttp_go(request):
    # ruleid: py-open-redirect
    raise web.HTTPFound(request.query["to"])


def django_header(request, response):
    # ruleid: py-header-injection
    response.headers["X-Name"] = request.GET["name"]
    # ok: py-header-injection
    response.headers["X-Name"] = quote(request.GET["name"])


class Handler(BaseHTTPRequestHandler):
    def answer(self, request):
        # ruleid: py-header-injection
        self.send_header("Location", "/" + request.args["page"])
        # ok: py-header-injection
        self.send_header("Location", "/" + request.args["page"].replace("\n", ""))


@app.route("/log")
def flask_log():
    # ruleid: py-log-injection
    logger.info("login of %s", request.form["name"])
    # ok: py-log-injection
    logger.info("login of %r", request.form["name"])
    # ok: py-log-injection
    logger.info("login of %s", request.form["name"].replace("\n", ""))


@api.get("/log")
def fastapi_log(name: str):
    # ruleid: py-log-injection
    logging.warning(f"no user {name}")
    # ok: py-log-injection
    logging.warning(f"no user {name!r}")
