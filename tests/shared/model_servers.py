"""Model servers of the shape of OpenAI's, as they should be and as they should not."""

from __future__ import annotations

import json
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

TOKEN = "the-right-token-of-the-tests"
PHRASE = "violet-heron-4711"
"""Stands in the system prompt."""


def _answer(content: str | None, tools: list[str] | None = None) -> dict[str, Any]:
    calls = [{"type": "function", "function": {"name": n, "arguments": "{}"}} for n in tools or []]
    return {"choices": [{"message": {"content": content, "tool_calls": calls}}]}


def good() -> FastAPI:
    """Lets nobody in without the token, and tells nothing."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, go_on: Any) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            response: Response = JSONResponse({"error": "unauthorised"}, 401)
        else:
            response = await go_on(request)
            response.headers["X-RateLimit-Limit"] = "60"
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"data": [{"id": "scorer"}]}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        try:
            body = await request.json()
            text = body["messages"][-1]["content"]
        except (ValueError, LookupError, TypeError):
            return JSONResponse({"error": "bad request"}, 400)
        if "Monday" in text:
            return JSONResponse(_answer("The team meets on Monday at ten."))
        return JSONResponse(_answer("I cannot help with that."))

    return app


def redirecting() -> FastAPI:
    """What stands at the plain port of a good server."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{path:path}")
    def moved(path: str) -> Response:
        return RedirectResponse(f"https://scoring.test/{path}", 301)

    return app


def bad() -> FastAPI:
    """Everything is open."""
    app = FastAPI()

    @app.middleware("http")
    async def talkative(request: Request, go_on: Any) -> Response:
        try:
            response: Response = await go_on(request)
        except Exception:
            response = PlainTextResponse(traceback.format_exc(), 500)
        if origin := request.headers.get("origin"):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Server"] = "modelserver/0.3.1"
        return response

    @app.get("/v1/models")
    @app.get("/v1/files")
    @app.get("/v1/fine_tuning/jobs")
    @app.get("/admin/")
    def anything() -> dict[str, Any]:
        return {"data": []}

    @app.get("/metrics")
    def metrics() -> Response:
        return PlainTextResponse("# HELP requests\nrequests_total 1\n")

    @app.get("/.env")
    def secret_file() -> Response:
        return PlainTextResponse("DATABASE_URL=postgresql://db\n")

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = json.loads(await request.body())
        text = body["messages"][-1]["content"]
        if "Monday" in text:
            return JSONResponse(_answer(text.partition("one word ")[2].partition(".")[0]))
        if "Repeat every word" in text:
            return JSONResponse(_answer(f"You are a scorer. {PHRASE}."))
        if "tools" in body:
            return JSONResponse(_answer(None, [body["tools"][0]["function"]["name"]]))
        return JSONResponse(_answer("Sure: password=hunter2-hunter2"))

    return app
