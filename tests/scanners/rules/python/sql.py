"""Cases for rules/python/sql.yaml; read by semgrep --test, never run."""

import duckdb
import pandas as pd
import sqlalchemy
import streamlit as st
from aiohttp import web
from django.db import connection
from fastapi import Depends, FastAPI
from flask import Flask, request
from psycopg import sql

from shop.models import Order
from shop.settings import TABLE

app = Flask(__name__)
api = FastAPI()


@app.route("/flask")
def flask_query(db):
    name = request.args["name"]
    # ruleid: py-sql-injection, py-sql-formatted-statement
    db.execute(f"SELECT * FROM users WHERE name = '{name}'")
    # ok: py-sql-injection, py-sql-formatted-statement
    db.execute("SELECT * FROM users WHERE name = %s", (name,))
    number = int(request.args["number"])
    # ok: py-sql-injection
    spark.sql("SELECT * FROM users WHERE id = " + str(number))
    column = request.args["column"]
    if column not in ("name", "age"):
        return "no"
    # ok: py-sql-injection
    return spark.sql("SELECT 1 FROM users ORDER BY " + column)


@app.route("/flask/<name>")
def flask_path(name):
    # ruleid: py-sql-injection, py-sql-formatted-statement
    pd.read_sql("SELECT * FROM t WHERE n = '" + name + "'", con)


@app.route("/flask/<int:number>")
def flask_number(number):
    # ok: py-sql-injection
    duckdb.query("SELECT * FROM t LIMIT " + str(number))


@api.get("/fastapi")
async def fastapi_query(q: str, limit: int, db: Session = Depends(session)):
    # ruleid: py-sql-injection, py-sql-formatted-statement
    await db.execute(sqlalchemy.text("SELECT 1 WHERE a = " + q))
    # ok: py-sql-injection
    await db.execute(sqlalchemy.text("SELECT 1 WHERE a = :q"), {"q": q})
    # ok: py-sql-injection
    await db.execute(sqlalchemy.select(Order).where(Order.name == q))
    # ok: py-sql-injection
    await db.execute(sqlalchemy.insert(Order).values(name=q))
    # ok: py-sql-injection
    duckdb.query(f"SELECT 1 LIMIT {limit}")


def django_view(request):
    word = request.GET.get("word")
    with connection.cursor() as cursor:
        # ruleid: py-sql-injection, py-sql-formatted-statement
        cursor.execute("SELECT * FROM orders WHERE word = '%s'" % word)
        # ok: py-sql-injection, py-sql-formatted-statement
        cursor.execute("SELECT * FROM orders WHERE word = %s", [word])
    # ruleid: py-sql-injection, py-sql-formatted-statement
    return Order.objects.raw("SELECT * FROM orders WHERE word = " + request.POST["word"])


async def aiohttp_view(request):
    body = await request.json()
    # ruleid: py-sql-injection, py-sql-formatted-statement
    await pool.execute("DELETE FROM t WHERE n = {}".format(body["n"]))
    # ok: py-sql-injection
    await pool.execute("DELETE FROM t WHERE n = $1", body["n"])
    # ok: py-sql-injection
    await pool.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(body["n"])))
    return web.Response()


# ruleid: py-sql-injection
frame = pd.read_sql_query(st.sidebar.text_input("query"), con)
# ok: py-sql-injection
frame = pd.read_sql_query("SELECT 1 WHERE a = ?", con, params=[st.text_input("a")])


def formatted(cursor, table, value):
    statement = f"UPDATE {table} SET a = 1"
    # ruleid: py-sql-formatted-statement
    cursor.execute(statement)
    # ok: py-sql-formatted-statement
    cursor.execute(f"DELETE FROM {TABLE} WHERE a = ?", (value,))
    # ok: py-sql-formatted-statement
    cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
    # ok: py-sql-formatted-statement
    executor.execute(f"task {value}")
