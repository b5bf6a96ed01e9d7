"""A stand-in for the Hugging Face Hub: its documented answers, and a host of storage beside it.

Shapes are those that the Hub's own client reads (huggingface_hub: `list_models`, `list_repo_refs`,
`list_repo_tree`, `hf_hub_download`). Files kept beside git (LFS) are handed out by the second
server, at addresses that are signed; others by the Hub itself behind a redirect to its own cache.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "hf_for-tests"
SIGNATURE = "X-Amz-Signature=0f1e2d3c-signed"
_BESIDE_GIT = frozenset({".bin", ".safetensors", ".pt"})


@dataclass
class Repository:
    """One model: what its branches and tags point to."""

    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """A running stand-in with the models of one organisation, which a test may push to."""

    url: str = ""
    storage: str = ""
    """URL of the host that hands out what is kept beside git."""
    page: int = 1000
    """Most entries in one answer."""
    models: dict[str, Repository] = field(default_factory=dict)
    trees: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By commit."""
    refused: dict[str, int] = field(default_factory=dict)
    """Status by model, of everything about it."""
    others: list[str] = field(default_factory=list)
    """Models of other owners that are listed as well."""
    more: list[dict[str, Any]] = field(default_factory=list)
    """Further entries of every tree."""
    instead: dict[str, bytes] = field(default_factory=dict)
    """What storage hands out for these paths."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path with query, Authorization) of every request to the Hub itself."""
    handed: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """(method, path with query, headers) of every request to storage."""

    def push(self, model: str, files: Mapping[str, bytes], branch: str = "main") -> str:
        """A commit with exactly these files."""
        repository = self.models.setdefault(model, Repository())
        known = repr((repository.branches.get(branch), sorted(files.items())))
        commit = hashlib.sha1(known.encode(), usedforsecurity=False).hexdigest()
        self.trees[commit] = dict(files)
        repository.branches[branch] = commit
        return commit

    def tag(self, model: str, name: str, branch: str = "main") -> None:
        """The tag, moved if it is there."""
        repository = self.models[model]
        repository.tags[name] = repository.branches[branch]

    def downloads(self) -> list[str]:
        """Paths of files whose content was asked for."""
        return [urlsplit(path).path for _, path, _ in self.asked if "/resolve/" in path]

    def forget(self) -> None:
        """What was asked so far."""
        self.asked.clear()
        self.handed.clear()

    def answer(self, path: str, host: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of one request to the Hub."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        steps = [unquote(step) for step in parts.path.strip("/").split("/")]
        if steps == ["api", "models"]:
            ours = [f"acme/{name}" for name in self.models]
            found = [{"id": name, "private": True} for name in (*ours, *self.others)]
            return self._paged(found, parts.path, query, host)
        if steps[:2] == ["api", "resolve-cache"]:
            return self._content(steps[5], "/".join(steps[6:]))
        api = steps[0] == "api"
        owner, model, call, *rest = steps[2:] if api else steps
        if model in self.refused:
            return self.refused[model], {"error": "not for you"}, {}
        if owner != "acme" or model not in self.models:
            return 404, {"error": "Repository not found"}, {}
        if api and call == "refs":
            return 200, self._refs(self.models[model]), {}
        if api and call == "tree":
            found = [*_entries(self.trees[rest[0]]), *self.more]
            return self._paged(found, parts.path, query, host)
        if not api and call == "resolve":
            commit = self.models[model].branches.get(rest[0], rest[0])
            return self._resolved(model, commit, "/".join(rest[1:]))
        return 404, {}, {}

    def _refs(self, repository: Repository) -> dict[str, Any]:
        def told(kind: str, refs: Mapping[str, str]) -> list[dict[str, str]]:
            return [
                {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}
                for name, commit in refs.items()
            ]

        branches, tags = told("heads", repository.branches), told("tags", repository.tags)
        return {"branches": branches, "converts": [], "tags": tags}

    def _paged(
        self, found: list[Any], path: str, query: Mapping[str, str], host: str
    ) -> tuple[int, Any, dict[str, str]]:
        start = int(query.get("cursor", "0"))
        end = start + min(self.page, int(query.get("limit", "1000")))
        headers = {}
        if end < len(found):
            following = "&".join(f"{k}={v}" for k, v in {**query, "cursor": str(end)}.items())
            headers["Link"] = f'<http://{host}{path}?{following}>; rel="next"'
        return 200, found[start:end], headers

    def _resolved(self, model: str, commit: str, path: str) -> tuple[int, Any, dict[str, str]]:
        content = self.trees[commit].get(path)
        if content is None:
            return 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"}
        headers = {"X-Repo-Commit": commit, "X-Linked-Size": str(len(content))}
        if _is_beside_git(path):
            digest = hashlib.sha256(content).hexdigest()
            place = f"{self.storage}/repos/{digest}?{SIGNATURE}&name={quote(path)}"
            return 302, b"", {**headers, "X-Linked-Etag": f'"{digest}"', "Location": place}
        place = f"/api/resolve-cache/models/acme/{model}/{commit}/{quote(path)}?etag=x"
        return 307, b"", {**headers, "X-Linked-Etag": f'"{_blob(content)}"', "Location": place}

    def _content(self, commit: str, path: str) -> tuple[int, Any, dict[str, str]]:
        content = self.instead.get(path, self.trees[commit][path])
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_blob(self.trees[commit][path])}"'}
        return 200, content, headers


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """Both servers, on loopback."""
    hub = Hub()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization", "")
            hub.asked.append((self.command, self.path, authorization))
            if authorization.lower() != f"bearer {TOKEN}".lower():
                self._say(401, {"error": "Invalid credentials"}, {})
            else:
                status, value, headers = hub.answer(self.path, self.headers["Host"])
                self._say(status, value, {**headers, "Set-Cookie": "session=ours; Path=/"})

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - named by http.server

        def _say(self, status: int, value: Any, headers: Mapping[str, str]) -> None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    class Storage(Answers):
        def do_GET(self) -> None:
            hub.handed.append((self.command, self.path, dict(self.headers)))
            parts = urlsplit(self.path)
            held = {
                hashlib.sha256(content).hexdigest(): hub.instead.get(path, content)
                for files in hub.trees.values()
                for path, content in files.items()
            }
            content = held.get(parts.path.rpartition("/")[2])
            signed = SIGNATURE in parts.query
            self._say(200 if signed and content is not None else 403, content or b"", {})

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    with _serving(Answers) as port, _serving(Storage) as other:
        hub.url, hub.storage = f"http://127.0.0.1:{port}", f"http://localhost:{other}"
        yield hub


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _entries(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """A tree as the Hub tells of it, folders among it."""
    found: list[dict[str, Any]] = []
    for folder in sorted({str(f) for path in files for f in PurePosixPath(path).parents} - {"."}):
        oid = hashlib.sha1(folder.encode(), usedforsecurity=False).hexdigest()
        found.append({"type": "directory", "oid": oid, "size": 0, "path": folder})
    for path, content in sorted(files.items()):
        entry = {"type": "file", "oid": _blob(content), "size": len(content), "path": path}
        if _is_beside_git(path):
            oid = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 134}
            entry["xetHash"] = oid
        found.append(entry)
    return found


def _is_beside_git(path: str) -> bool:
    return PurePosixPath(path).suffix in _BESIDE_GIT


def _blob(content: bytes) -> str:
    head = f"blob {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
