"""Cases for personal_data.yaml."""

import hashlib
import logging
import os

import langchain
from langchain_core.globals import set_debug
from openai import OpenAI

logger = logging.getLogger(__name__)
client = OpenAI()


def about_people(patient, row):
    # ruleid: ai-personal-data-in-prompt
    first = [{"role": "user", "content": f"Summarise: {patient.diagnosis}"}]
    # ruleid: ai-personal-data-in-prompt
    second = client.responses.create(model="m", input="Check " + row["ssn"])
    # ruleid: ai-personal-data-logged
    logger.info("patient born %s", patient.date_of_birth)
    # ruleid: ai-personal-data-logged
    print(f"charged {row['credit_card_number']}")
    return first, second


def about_people_mended(patient, row, pseudonym):
    # ok: ai-personal-data-in-prompt
    first = [{"role": "user", "content": f"Summarise: {patient.visit_reason}"}]
    # ok: ai-personal-data-in-prompt
    second = client.responses.create(model="m", input="Check " + pseudonym(row["id"]))
    # ok: ai-personal-data-logged
    logger.info("patient %s", patient.internal_id)
    # ok: ai-personal-data-logged
    print(f"charged {hashlib.sha256(row['credit_card_number']).hexdigest()}")
    return first, second


def texts(prompt, messages):
    # ruleid: ai-prompt-logged
    logger.info("prompt: %s", prompt)
    # ruleid: ai-prompt-logged
    logging.debug(f"sending {messages}")


def texts_mended(prompt, messages, request_id):
    # ok: ai-prompt-logged
    logger.info("prompt of %d characters", len(prompt))
    # ok: ai-prompt-logged
    logging.debug(f"sending request {request_id}")


def traces():
    # ruleid: ai-prompt-content-traced
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
    # ruleid: ai-prompt-content-traced
    set_debug(True)
    # ruleid: ai-prompt-content-traced
    langchain.debug = True


def traces_mended():
    # ok: ai-prompt-content-traced
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "false"
    # ok: ai-prompt-content-traced
    set_debug(False)
    # ok: ai-prompt-content-traced
    langchain.debug = False
