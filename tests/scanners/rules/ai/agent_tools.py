"""Cases for agent_tools.yaml."""

import ast
import json
import os
import shlex
import subprocess
from pathlib import Path

import httpx
import requests
from agents import function_tool
from langchain_core.tools import BaseTool, tool
from mcp.server.fastmcp import FastMCP
from sqlalchemy import text

mcp = FastMCP("tools")
WORKSPACE = Path("/srv/workspace")


@tool
def shell(command: str) -> str:
    """Run a command."""
    # ruleid: ai-agent-tool-runs-shell
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout


@mcp.tool()
async def grep(word: str, folder: str = ".") -> str:
    """Search."""
    # ruleid: ai-agent-tool-runs-shell
    return os.popen(f"grep -rn {word} {folder}").read()


class Terminal(BaseTool):
    """Run a list of words."""

    name: str = "terminal"

    def _run(self, line: str) -> str:
        # ruleid: ai-agent-tool-runs-shell
        return subprocess.check_output(line.split())


@tool
def disk_usage(folder: str) -> str:
    """Say how full a folder is."""
    # ok: ai-agent-tool-runs-shell
    return subprocess.run(["du", "-sh", "--", folder], capture_output=True, text=True).stdout


@mcp.tool()
async def grep_mended(word: str) -> str:
    """Search."""
    # ok: ai-agent-tool-runs-shell
    return os.popen("grep -rn -- " + shlex.quote(word) + " .").read()


def not_a_tool(command: str) -> str:
    # ok: ai-agent-tool-runs-shell
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout


@function_tool
def calculate(expression: str) -> str:
    """Calculate."""
    # ruleid: ai-agent-tool-runs-code
    return str(eval(expression))


@tool("python")
def interpret(source: str) -> str:
    """Run Python."""
    scope = {}
    # ruleid: ai-agent-tool-runs-code
    exec(source, scope)
    return json.dumps(scope)


@function_tool
def calculate_mended(expression: str) -> str:
    """Read a number."""
    # ok: ai-agent-tool-runs-code
    return str(ast.literal_eval(expression))


@tool("python")
def interpret_mended(source: str) -> str:
    """Run Python elsewhere."""
    # ok: ai-agent-tool-runs-code
    return httpx.post("https://sandbox.example.org/run", json={"source": source}).text


@mcp.tool()
def read_file(path: str) -> str:
    """Read."""
    # ruleid: ai-agent-tool-opens-any-file
    with open(path) as handle:
        return handle.read()


@tool
def save(name: str, content: str) -> str:
    """Write."""
    # ruleid: ai-agent-tool-opens-any-file
    (WORKSPACE / name).write_text(content)
    return "done"


@mcp.tool()
def read_file_mended(path: str) -> str:
    """Read inside the workspace."""
    target = (WORKSPACE / path).resolve()
    if not target.is_relative_to(WORKSPACE):
        raise ValueError("outside the workspace")
    # ok: ai-agent-tool-opens-any-file
    with open(target) as handle:
        return handle.read()


@mcp.tool()
def upload(file: str, source: str) -> str:
    """Upload a file of the workspace."""
    target = Path(file).resolve()
    if not is_in_or_equal(target, WORKSPACE):
        raise ValueError("outside the workspace")
    # ok: ai-agent-tool-opens-any-file
    with open(target, "rb") as handle:
        return httpx.post("https://inbox.example.org/", files={"files": handle}).text


@tool
def save_mended(name: str, content: str) -> str:
    """Write."""
    # ok: ai-agent-tool-opens-any-file
    (WORKSPACE / os.path.basename(name)).write_text(content)
    return "done"


@tool
def query(sql: str, cursor) -> list:
    """Query."""
    # ruleid: ai-agent-tool-builds-sql
    cursor.execute(sql)
    return cursor.fetchall()


@mcp.tool()
def orders(customer: str, connection) -> list:
    """List orders."""
    # ruleid: ai-agent-tool-builds-sql
    return connection.execute(text(f"SELECT * FROM orders WHERE customer = '{customer}'")).all()


@tool
def query_mended(city: str, cursor) -> list:
    """Query."""
    # ok: ai-agent-tool-builds-sql
    cursor.execute("SELECT * FROM shops WHERE city = %s", (city,))
    return cursor.fetchall()


@mcp.tool()
def orders_mended(customer: str, engine) -> list:
    """List orders."""
    with engine.connect() as connection:
        # ok: ai-agent-tool-builds-sql
        return connection.execute(text("SELECT * FROM orders WHERE customer = :c"), {"c": customer}).all()


@tool
def fetch(url: str) -> str:
    """Fetch a page."""
    # ruleid: ai-agent-tool-fetches-any-url
    return requests.get(url, timeout=5).text


@function_tool
async def post(host: str, body: str) -> str:
    """Send."""
    # ruleid: ai-agent-tool-fetches-any-url
    return httpx.post(f"https://{host}/inbox", content=body).text


@tool
def fetch_mended(topic: str) -> str:
    """Fetch an article."""
    # ok: ai-agent-tool-fetches-any-url
    return requests.get(f"https://encyclopedia.example.org/{topic}", timeout=5).text


@function_tool
async def post_mended(body: str) -> str:
    """Send."""
    # ok: ai-agent-tool-fetches-any-url
    return httpx.post("https://inbox.example.org/", content=body).text
