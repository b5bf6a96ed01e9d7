"""A helper that lets the model write the analysis, added in the second commit."""

from openai import OpenAI

client = OpenAI()


def analyse(question):
    answer = client.chat.completions.create(
        model="analyst", messages=[{"role": "user", "content": question}]
    )
    exec(answer.choices[0].message.content)
