FROM python:3.12-slim
# ruleid: ai-jupyter-no-token-command
CMD jupyter lab --ip=0.0.0.0 --ServerApp.token='' --no-browser
# ruleid: ai-jupyter-no-token-command
CMD ["jupyter", "notebook", "--NotebookApp.token=", "--no-browser"]
# ok: ai-jupyter-no-token-command
CMD jupyter lab --ip=127.0.0.1 --no-browser
# ok: ai-jupyter-no-token-command
CMD jupyter lab --ServerApp.token="$JUPYTER_TOKEN" --no-browser
# ruleid: ai-tracking-server-open
CMD mlflow server --host 0.0.0.0 --port 5000
# ruleid: ai-tracking-server-open
CMD ["tensorboard", "--logdir", "/runs", "--bind_all"]
# ok: ai-tracking-server-open
CMD mlflow server --host 0.0.0.0 --port 5000 --app-name basic-auth
# ok: ai-tracking-server-open
CMD ["tensorboard", "--logdir", "/runs", "--host", "127.0.0.1"]
# ruleid: ai-inference-server-open
CMD vllm serve acme/chat --host 0.0.0.0 --port 8000
# ruleid: ai-inference-server-open
ENV OLLAMA_HOST=0.0.0.0:11434
# ruleid: ai-inference-server-open
CMD torchserve --start --model-store /models --disable-token-auth
# ok: ai-inference-server-open
CMD vllm serve acme/chat --host 0.0.0.0 --port 8000 --api-key "$VLLM_API_KEY"
# ok: ai-inference-server-open
ENV OLLAMA_HOST=127.0.0.1:11434
# ok: ai-inference-server-open
CMD torchserve --start --model-store /models
