"""Cases for prompts.yaml."""

from anthropic import Anthropic
from fastapi import FastAPI
from flask import Flask, request
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate, PromptTemplate
from openai import OpenAI

app = Flask(__name__)
api = FastAPI()
client = OpenAI()
claude = Anthropic()
RULES = "You answer questions about invoices."
PERSONAS = {"terse": "Answer in one line.", "kind": "Answer kindly."}


@app.route("/chat", methods=["POST"])
def chat():
    persona = request.json["persona"]
    messages = [
        # ruleid: ai-web-input-in-system-prompt
        {"role": "system", "content": f"{RULES} Speak like {persona}."},
        {"role": "user", "content": request.json["question"]},
    ]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content


@api.post("/ask")
async def ask(tone: str, question: str):
    # ruleid: ai-web-input-in-system-prompt
    answer = claude.messages.create(model="m", max_tokens=99, system="Be " + tone, messages=[])
    # ruleid: ai-web-input-in-system-prompt
    return answer, [SystemMessage(content=tone), HumanMessage(content=question)]


def django_view(request):
    # ruleid: ai-web-input-in-system-prompt
    return client.responses.create(model="m", instructions=request.POST["rules"], input="hello")


@app.route("/chat/mended", methods=["POST"])
def chat_mended():
    messages = [
        # ok: ai-web-input-in-system-prompt
        {"role": "system", "content": RULES},
        # ok: ai-web-input-in-system-prompt
        {"role": "user", "content": request.json["question"]},
    ]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content


@api.post("/ask/mended")
async def ask_mended(question: str):
    # ok: ai-web-input-in-system-prompt
    answer = claude.messages.create(model="m", max_tokens=99, system=RULES, messages=[])
    # ok: ai-web-input-in-system-prompt
    return answer, [SystemMessage(content=PERSONAS["kind"]), HumanMessage(content=question)]


@app.route("/template", methods=["POST"])
def template():
    text = request.form["template"]
    # ruleid: ai-web-input-is-prompt-template
    first = PromptTemplate.from_template(text)
    # ruleid: ai-web-input-is-prompt-template
    second = ChatPromptTemplate.from_template("Summarise: " + text)
    return str(first) + str(second)


@app.route("/template/mended", methods=["POST"])
def template_mended():
    text = request.form["template"]
    # ok: ai-web-input-is-prompt-template
    first = PromptTemplate.from_template("Summarise: {text}").format(text=text)
    # ok: ai-web-input-is-prompt-template
    second = ChatPromptTemplate.from_template("Translate: {text}").invoke({"text": text})
    return first + str(second)


def jinja_templates(stored):
    # ruleid: ai-jinja-prompt-template
    first = PromptTemplate.from_template(stored, template_format="jinja2")
    # ruleid: ai-jinja-prompt-template
    second = PromptTemplate(template=stored.body, input_variables=["q"], template_format="jinja2")
    return first, second


def jinja_templates_mended(stored):
    # ok: ai-jinja-prompt-template
    first = PromptTemplate.from_template(stored, template_format="f-string")
    # ok: ai-jinja-prompt-template
    second = PromptTemplate.from_template("Answer {{ q }}", template_format="jinja2")
    # ok: ai-jinja-prompt-template
    third = PromptTemplate(template="Answer {{ q }}", input_variables=["q"], template_format="jinja2")
    return first, second, third


@api.post("/complete")
async def complete(prompt: str, limit: int):
    # ruleid: ai-web-input-sets-token-limit
    return client.completions.create(model="m", prompt=prompt, max_tokens=limit)


@app.route("/generate", methods=["POST"])
def generate(model=None):
    # ruleid: ai-web-input-sets-token-limit
    return model.generate(request.json["ids"], max_new_tokens=int(request.json["limit"]))


@api.post("/complete/mended")
async def complete_mended(prompt: str, limit: int):
    # ok: ai-web-input-sets-token-limit
    return client.completions.create(model="m", prompt=prompt, max_tokens=min(limit, 500))


@app.route("/generate/mended", methods=["POST"])
def generate_mended():
    # ok: ai-web-input-sets-token-limit
    return client.completions.create(model="m", prompt=request.json["prompt"], max_tokens=500)
