"""Cases for rules/python/html.yaml; read by semgrep --test, never run."""

import html

import jinja2
import streamlit as st
from aiohttp import web
from django.http import HttpResponse, JsonResponse
from django.template import Template
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask, render_template, render_template_string, request
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

api = FastAPI()
app = Flask(__name__)
environment = jinja2.Environment(autoescape=True)
sandbox = SandboxedEnvironment()


@app.route("/template")
def flask_template():
    name = request.args.get("name")
    # ruleid: py-template-injection
    render_template_string("<h1>Hello " + name + "</h1>")
    # ok: py-template-injection
    render_template_string("<h1>Hello {{ name }}</h1>", name=name)
    # ok: py-template-injection
    return render_template("hello.html", name=name)


@api.post("/template")
def fastapi_template(source: str, name: str):
    # ruleid: py-template-injection
    environment.from_string(source).render(name=name)
    # ok: py-template-injection
    sandbox.from_string(source).render(name=name)
    # ok: py-template-injection
    environment.from_string("Hello {{ name }}").render(name=name)


def django_template(request):
    # ruleid: py-template-injection
    Template(request.POST["template"])
    # ok: py-template-injection
    Template("{{ name }}")


def django_page(request):
    name = request.GET["name"]
    # ruleid: py-unescaped-html
    HttpResponse("<h1>" + name + "</h1>")
    # ruleid: py-unescaped-html
    mark_safe(f"<b>{name}</b>")
    # ok: py-unescaped-html
    HttpResponse("<h1>" + escape(name) + "</h1>")
    # ok: py-unescaped-html
    HttpResponse(name, content_type="text/plain")
    # ok: py-unescaped-html
    format_html("<b>{}</b>", name)
    # ok: py-unescaped-html
    return JsonResponse({"name": name})


@app.route("/page/<name>")
def flask_page(name):
    # ruleid: py-unescaped-html
    Markup("<b>%s</b>" % name)
    # ok: py-unescaped-html
    Markup("<b>%s</b>") % name
    # ruleid: py-unescaped-html
    return f"<h1>{name}</h1>"


@app.route("/mended/<name>")
def flask_page_escaped(name):
    # ok: py-unescaped-html
    return f"<h1>{html.escape(name)}</h1>"


@api.get("/page")
async def fastapi_page(name: str):
    # ruleid: py-unescaped-html
    return HTMLResponse(content=f"<h1>{name}</h1>")


@api.get("/class", response_class=HTMLResponse)
async def fastapi_class(name: str):
    # ruleid: py-unescaped-html
    return "<h1>" + name + "</h1>"


@api.get("/mended", response_class=HTMLResponse)
async def fastapi_class_escaped(name: str):
    # ok: py-unescaped-html
    return "<h1>" + html.escape(name) + "</h1>"


async def aiohttp_page(request):
    name = request.query["name"]
    # ok: py-unescaped-html
    web.Response(text=name)
    # ruleid: py-unescaped-html
    return web.Response(text=f"<p>{name}", content_type="text/html")


def streamlit_page():
    name = st.query_params["name"]
    # ruleid: py-streamlit-unsafe-html
    st.markdown(f"<h1>{name}</h1>", unsafe_allow_html=True)
    # ruleid: py-streamlit-unsafe-html
    st.html("<h1>" + name)
    # ok: py-streamlit-unsafe-html
    st.markdown(f"<h1>{html.escape(name)}</h1>", unsafe_allow_html=True)
    # ok: py-streamlit-unsafe-html
    st.markdown(f"# {name}")


def environments(loader):
    # ruleid: py-jinja-autoescape-off
    jinja2.Environment(loader=loader)
    # ruleid: py-jinja-autoescape-off
    jinja2.Environment(loader=loader, autoescape=False)
    # ok: py-jinja-autoescape-off
    jinja2.Environment(loader=loader, autoescape=True)
    # ok: py-jinja-autoescape-off
    jinja2.Environment(loader=loader, autoescape=jinja2.select_autoescape())
