"""An application with an OpenAPI document, as it should be and as it should not."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

TOKEN = "the-right-token-of-the-tests"


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    amount: int = Field(ge=0, le=1000)


class Score(BaseModel):
    score: int


def _guard(authorization: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    if authorization != f"Bearer {TOKEN}":
        raise HTTPException(401)


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """The document's word on a body that nobody checks."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def good() -> FastAPI:
    """Does what its document says, for those who have the token."""
    app = FastAPI(dependencies=[Depends(_guard)])

    @app.post("/score", responses={400: {}, 422: {}})
    def score(case: Case) -> Score:
        return Score(score=case.amount)

    return app


def bad() -> FastAPI:
    """Breaks on zero, tells undocumented things, leads away, and deletes."""
    app = FastAPI(dependencies=[Depends(_guard)])

    @app.post("/score")
    def score(case: Case) -> Score:
        return Score(score=100 // case.amount)

    @app.get("/status")
    def status() -> Score:
        return JSONResponse({"score": "high"}, 202)  # type: ignore[return-value]

    @app.get("/away")
    def away() -> Response:
        return RedirectResponse("http://169.254.169.254/latest/meta-data")

    @app.get("/odd", responses={200: {"model": Score}})
    def odd() -> Response:
        return JSONResponse({"score": "high", "inner": 1})

    @app.get("/text", responses={200: {"model": Score}})
    def text() -> Response:
        return Response("1", media_type="text/plain")

    @app.post("/loose", responses={400: {}, 422: {}}, openapi_extra=_body(Case))
    async def loose() -> Score:
        return Score(score=1)

    @app.delete("/score/{number}")
    def delete(number: int) -> dict[str, Any]:
        return {"deleted": number}

    return app
