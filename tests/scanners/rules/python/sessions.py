"""Cases for rules/python/sessions.yaml; read by semgrep --test, never run."""

import secrets

from fastapi import FastAPI
from flask import Flask, request, session

api = FastAPI()
app = Flask(__name__)


@app.route("/fix")
def flask_fixation(response):
    # ruleid: py-session-fixation
    response.set_cookie("session", request.args["sid"], secure=True, httponly=True)
    # ok: py-session-fixation
    response.set_cookie("session", secrets.token_urlsafe(), secure=True, httponly=True)
    # ok: py-session-fixation
    response.set_cookie("language", request.args["language"])


def django_fixation(request):
    # ruleid: py-session-fixation
    store = SessionStore(session_key=request.GET["key"])
    # ok: py-session-fixation
    store = SessionStore(session_key=secrets.token_urlsafe())


@app.route("/merge")
def flask_merge():
    # ruleid: py-untrusted-session-key
    session[request.form["name"]] = True
    # ruleid: py-untrusted-session-key
    session.update(request.form)
    # ok: py-untrusted-session-key
    session["language"] = request.form["language"]
    name = request.form["name"]
    if name in ("language", "theme"):
        # ok: py-untrusted-session-key
        session[name] = True


def django_value(request, account):
    # ruleid: py-untrusted-session-value
    request.session["user_id"] = request.POST["user_id"]
    # ok: py-untrusted-session-value
    request.session["user_id"] = account.id
    # ok: py-untrusted-session-value
    request.session["language"] = request.POST["language"]


@api.post("/login")
def fastapi_value(request: Request, role: str):
    # ruleid: py-untrusted-session-value
    request.session["role"] = role
    if role in ("reader", "writer"):
        # ok: py-untrusted-session-value
        request.session["role"] = role


def cookies(response, value):
    # ruleid: py-session-cookie-unprotected
    response.set_cookie("session_id", value)
    # ruleid: py-session-cookie-unprotected
    response.set_cookie(key="access_token", value=value, httponly=True)
    # ok: py-session-cookie-unprotected
    response.set_cookie("session_id", value, httponly=True, secure=True)
    # ok: py-session-cookie-unprotected
    response.set_cookie(key="access_token", value=value, secure=True, httponly=True)
    # ok: py-session-cookie-unprotected
    response.set_cookie("theme", value)


# ruleid: py-cookie-protection-off
SESSION_COOKIE_SECURE = False
# ruleid: py-cookie-protection-off
app.config["SESSION_COOKIE_HTTPONLY"] = False
# ruleid: py-cookie-protection-off
app.config.update(REMEMBER_COOKIE_SECURE=False)
# ok: py-cookie-protection-off
SESSION_COOKIE_SECURE = True
# ok: py-cookie-protection-off
app.config["SESSION_COOKIE_HTTPONLY"] = True
# ok: py-cookie-protection-off
CSRF_USE_SESSIONS = False
