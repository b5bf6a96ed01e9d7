"""The claims portal."""

import sqlite3
import subprocess

from flask import Flask, render_template_string, request

app = Flask(__name__)


@app.route("/claims")
def claims():
    database = sqlite3.connect("claims.db")
    rows = database.execute(f"SELECT * FROM claims WHERE owner = '{request.args['owner']}'")
    return {"claims": rows.fetchall()}


@app.route("/convert")
def convert():
    subprocess.run("convert " + request.args["name"] + " out.pdf", shell=True)
    return "done"


@app.route("/hello")
def hello():
    return render_template_string("<h1>Hello " + request.args.get("name", "") + "</h1>")
