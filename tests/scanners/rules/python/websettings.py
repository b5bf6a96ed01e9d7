"""Cases for rules/python/websettings.yaml; read by semgrep --test, never run."""

import os

from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from flask import Flask
from flask_cors import CORS
from starlette.middleware.sessions import SessionMiddleware

api = FastAPI()
app = Flask(__name__)


def serve(debug):
    # ruleid: py-flask-debug-server
    app.run(host="0.0.0.0", debug=True)
    # ruleid: py-flask-debug-server
    app.run(debug=True)
    # ruleid: py-debug-settings
    app.config["DEBUG"] = True
    # ok: py-debug-settings
    app.config["DEBUG"] = debug
    # ok: py-flask-debug-server
    app.run(host="0.0.0.0")
    # ok: py-flask-debug-server
    app.run(debug=False)


class Development:
    # ruleid: py-debug-settings
    DEBUG = True
    ALLOWED_HOSTS = ["localhost"]


class Copied:
    # ruleid: py-debug-settings
    DEBUG = True
    # ok: py-debug-settings
    TEMPLATE_DEBUG = True
    INSTALLED_APPS = []


class Production:
    # ok: py-debug-settings
    DEBUG = os.environ.get("DEBUG") == "1"
    # ok: py-django-any-host
    ALLOWED_HOSTS = ["shop.example.org"]


# ruleid: py-django-any-host
ALLOWED_HOSTS = ["*"]
# ruleid: py-django-any-host
ALLOWED_HOSTS = ("shop.example.org", "*")
# ok: py-django-any-host
ALLOWED_HOSTS = [".example.org"]


# ruleid: py-csrf-protection-off
@csrf_exempt
def webhook(request):
    return None


# ruleid: py-csrf-protection-off
@method_decorator(csrf_exempt, name="dispatch")
class Hook:
    pass


# ruleid: py-csrf-protection-off
app.config["WTF_CSRF_ENABLED"] = False
# ok: py-csrf-protection-off
app.config["WTF_CSRF_ENABLED"] = True


# ok: py-csrf-protection-off
@login_required
def protected(request):
    return None


# ruleid: py-cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
# ruleid: py-cors-any-origin-with-credentials
CORS(app, supports_credentials=True)
# ok: py-cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["https://example.org"], allow_credentials=True)
# ok: py-cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"])
# ok: py-cors-any-origin-with-credentials
CORS(app, origins=["https://example.org"], supports_credentials=True)

# ruleid: py-hardcoded-secret-key
SECRET_KEY = "not-a-real-key"
# ruleid: py-hardcoded-secret-key
app.secret_key = os.environ.get("SECRET_KEY", "not-a-real-key")
# ruleid: py-hardcoded-secret-key
api.add_middleware(SessionMiddleware, secret_key="not-a-real-key")
# ok: py-hardcoded-secret-key
SECRET_KEY = os.environ["SECRET_KEY"]
# ok: py-hardcoded-secret-key
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
# ok: py-hardcoded-secret-key
SECRET_KEY = ""
