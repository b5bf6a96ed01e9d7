"""Cases for model_output_data.yaml."""

import html
import os
from pathlib import Path

import gradio as gr
import nh3
import pandas as pd
import requests
import streamlit as st
from anthropic import Anthropic
from fastapi.responses import HTMLResponse
from google import genai
from langchain_anthropic import ChatAnthropic
from markupsafe import Markup
from openai import OpenAI
from sqlalchemy import text

client = OpenAI()
claude = Anthropic()


def ask(messages):
    return client.chat.completions.create(model="m", messages=messages)


def queries(cursor, engine, question, messages):
    sql = client.chat.completions.create(model="m", messages=messages).choices[0].message.content
    # ruleid: ai-model-output-in-sql
    cursor.execute(sql)
    llm = ChatAnthropic(model="m")
    statement = llm.invoke(question).content.strip("`")
    # ruleid: ai-model-output-in-sql
    frame = pd.read_sql(statement, engine)
    with engine.connect() as connection:
        # ruleid: ai-model-output-in-sql
        connection.execute(text(f"SELECT * FROM tickets WHERE {statement}"))
    return frame


def queries_mended(cursor, engine, messages):
    city = client.chat.completions.create(model="m", messages=messages).choices[0].message.content
    # ok: ai-model-output-in-sql
    cursor.execute("SELECT * FROM shops WHERE city = %s", (city,))
    with engine.connect() as connection:
        # ok: ai-model-output-in-sql
        connection.execute(text("SELECT * FROM shops WHERE city = :city"), {"city": city})
    # ok: ai-model-output-in-sql
    return pd.read_sql("SELECT * FROM shops WHERE city = %(city)s", engine, params={"city": city})


def pages(messages):
    answer = claude.messages.create(model="m", max_tokens=10, messages=messages).content[0].text
    # ruleid: ai-model-output-in-html
    first = Markup(answer)
    # ruleid: ai-model-output-in-html
    st.markdown(f"<div>{answer}</div>", unsafe_allow_html=True)
    # ruleid: ai-model-output-in-html
    second = gr.HTML(answer)
    # ruleid: ai-model-output-in-html
    return first, second, HTMLResponse(content=f"<p>{answer}</p>")


def pages_mended(messages):
    answer = claude.messages.create(model="m", max_tokens=10, messages=messages).content[0].text
    # ok: ai-model-output-in-html
    first = Markup(html.escape(answer))
    # ok: ai-model-output-in-html
    st.markdown(answer)
    # ok: ai-model-output-in-html
    second = gr.HTML(nh3.clean(answer))
    # ok: ai-model-output-in-html
    return first, second, HTMLResponse(content="<p>" + html.escape(answer) + "</p>")


def files(messages):
    gemini = genai.Client()
    name = gemini.models.generate_content(model="m", contents=messages).text
    # ruleid: ai-model-output-as-file-path
    with open(name, "w") as handle:
        handle.write("x")
    # ruleid: ai-model-output-as-file-path
    os.remove(f"out/{name}")
    # ruleid: ai-model-output-as-file-path
    (Path("out") / name).write_text("x")


def files_mended(messages):
    gemini = genai.Client()
    name = gemini.models.generate_content(model="m", contents=messages).text
    # ok: ai-model-output-as-file-path
    with open("answer.txt", "w") as handle:
        handle.write(name)
    # ok: ai-model-output-as-file-path
    os.remove(os.path.join("out", os.path.basename(name)))
    # ok: ai-model-output-as-file-path
    Path("out/answer.txt").write_text(name)


def calls(messages):
    url = client.responses.create(model="m", input=messages).output_text
    # ruleid: ai-model-output-as-url
    first = requests.get(url, timeout=5)
    # ruleid: ai-model-output-as-url
    return first, requests.post(f"https://{url}/notify", timeout=5)


def calls_mended(messages):
    answer = client.responses.create(model="m", input=messages).output_text
    # ok: ai-model-output-as-url
    first = requests.get("https://search.example.org/", params={"q": answer}, timeout=5)
    # ok: ai-model-output-as-url
    return first, requests.post("https://hooks.example.org/notify", json={"text": answer}, timeout=5)
