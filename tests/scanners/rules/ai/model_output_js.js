// Cases for model_output_js.yaml.
import { exec, execFile } from "node:child_process";
import DOMPurify from "dompurify";
import OpenAI from "openai";

const client = new OpenAI();

async function pages(messages) {
  const answer = await client.chat.completions.create({ model: "m", messages });
  const text = answer.choices[0].message.content;
  // ruleid: ai-model-output-in-html-js
  document.getElementById("answer").innerHTML = text;
  // ruleid: ai-model-output-in-html-js
  eval(text);
  // ruleid: ai-model-output-in-html-js
  document.body.insertAdjacentHTML("beforeend", `<p>${text}</p>`);
}

async function pagesMended(messages) {
  const answer = await client.chat.completions.create({ model: "m", messages });
  const text = answer.choices[0].message.content;
  // ok: ai-model-output-in-html-js
  document.getElementById("answer").textContent = text;
  // ok: ai-model-output-in-html-js
  document.body.insertAdjacentHTML("beforeend", DOMPurify.sanitize(text));
}

async function shells(claude, messages) {
  const answer = await claude.messages.create({ model: "m", max_tokens: 100, messages });
  // ruleid: ai-model-output-in-shell-js
  exec(answer.content[0].text);
  // ruleid: ai-model-output-in-shell-js
  exec(`git log --author=${answer.content[0].text}`, () => {});
}

async function shellsMended(claude, messages) {
  const answer = await claude.messages.create({ model: "m", max_tokens: 100, messages });
  // ok: ai-model-output-in-shell-js
  execFile("git", ["log", "-5"]);
  // ok: ai-model-output-in-shell-js
  exec("git status", () => console.log(answer.id));
}
