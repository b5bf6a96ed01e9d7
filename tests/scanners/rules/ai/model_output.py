"""Cases for model_output.yaml."""

import ast
import importlib
import json
import os
import pickle
import shlex
import subprocess

import jinja2
import litellm
import ollama
import yaml
from anthropic import Anthropic
from flask import render_template, render_template_string
from langchain_core.output_parsers import StrOutputParser
from langchain_openai import ChatOpenAI
from openai import OpenAI
from transformers import pipeline

client = OpenAI()
claude = Anthropic()
TOOLS = {"add": int.__add__}


def executes(question, prompt, messages):
    answer = client.chat.completions.create(model="m", messages=messages)
    # ruleid: ai-model-output-executed
    exec(answer.choices[0].message.content)
    chain = prompt | ChatOpenAI(model="m") | StrOutputParser()
    # ruleid: ai-model-output-executed
    return eval(chain.invoke({"question": question}))


def executes_a_stream(messages):
    parts = []
    for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
        parts.append(chunk.choices[0].delta.content)
    # ruleid: ai-model-output-executed
    exec("".join(parts))


def executes_a_local_model(text):
    generate = pipeline("text-generation", model="./model")
    # ruleid: ai-model-output-executed
    return eval(generate(text)[0]["generated_text"])


def decodes_and_executes(model, tokenizer, inputs):
    text = tokenizer.decode(model.generate(**inputs)[0], skip_special_tokens=True)
    # ruleid: ai-model-output-executed
    exec(text)


def executes_mended(messages):
    answer = client.chat.completions.create(model="m", messages=messages)
    # ok: ai-model-output-executed
    value = json.loads(answer.choices[0].message.content)
    # ok: ai-model-output-executed
    number = eval(ast.literal_eval(answer.choices[0].message.content))
    # ok: ai-model-output-executed
    exec("import numpy")
    return value, number


def runs(messages):
    answer = claude.messages.create(model="m", max_tokens=100, messages=messages)
    # ruleid: ai-model-output-in-shell
    os.system(answer.content[0].text)
    command = ollama.chat(model="m", messages=messages)["message"]["content"]
    # ruleid: ai-model-output-in-shell
    subprocess.run(command, shell=True, check=True)
    call = client.responses.create(model="m", input=messages).output[0]
    arguments = json.loads(call.arguments)
    # ruleid: ai-model-output-in-shell
    return subprocess.check_output(f"grep -r {arguments['word']} .", shell=True)


def runs_mended(messages):
    answer = claude.messages.create(model="m", max_tokens=100, messages=messages)
    # ok: ai-model-output-in-shell
    os.system("echo " + shlex.quote(answer.content[0].text))
    # ok: ai-model-output-in-shell
    subprocess.run(["wc", "-w"], input=answer.content[0].text, check=True, text=True)


def renders(messages, env: jinja2.Environment):
    text = litellm.completion(model="m", messages=messages).choices[0].message.content
    # ruleid: ai-model-output-as-template
    first = jinja2.Template(text).render()
    # ruleid: ai-model-output-as-template
    second = env.from_string(f"<p>{text}</p>").render()
    # ruleid: ai-model-output-as-template
    return first, second, render_template_string(text)


def renders_mended(messages, env: jinja2.Environment):
    text = litellm.completion(model="m", messages=messages).choices[0].message.content
    # ok: ai-model-output-as-template
    first = jinja2.Template("{{ text }}").render(text=text)
    # ok: ai-model-output-as-template
    second = env.get_template("answer.html").render(text=text)
    # ok: ai-model-output-as-template
    return first, second, render_template("answer.html", text=text)


def dispatches(messages, service):
    call = client.chat.completions.create(model="m", messages=messages).choices[0].message.tool_calls[0]
    # ruleid: ai-model-output-selects-function
    first = globals()[call.function.name](**json.loads(call.function.arguments))
    # ruleid: ai-model-output-selects-function
    second = getattr(service, call.function.name)()
    # ruleid: ai-model-output-selects-function
    return first, second, importlib.import_module(call.function.name)


def dispatches_mended(messages):
    call = client.chat.completions.create(model="m", messages=messages).choices[0].message.tool_calls[0]
    # ok: ai-model-output-selects-function
    first = TOOLS[call.function.name](**json.loads(call.function.arguments))
    # ok: ai-model-output-selects-function
    return first, getattr(call, "id")


def reads(messages):
    text = ollama.generate(model="m", prompt=messages)["response"]
    # ruleid: ai-model-output-deserialised
    first = yaml.load(text, Loader=yaml.Loader)
    # ruleid: ai-model-output-deserialised
    return first, pickle.loads(bytes.fromhex(text))


def reads_mended(messages):
    text = ollama.generate(model="m", prompt=messages)["response"]
    # ok: ai-model-output-deserialised
    first = yaml.safe_load(text)
    # ok: ai-model-output-deserialised
    return first, json.loads(text)
