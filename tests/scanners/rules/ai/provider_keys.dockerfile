FROM python:3.12-slim
# ruleid: ai-provider-key-in-image
ENV WANDB_API_KEY=fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e
# ruleid: ai-provider-key-in-image
ARG COHERE_API_KEY="FAKEfake9FAKEfake9FAKEfake9FAKEfake9FAKE"
# ok: ai-provider-key-in-image
ENV WANDB_MODE=offline
# ok: ai-provider-key-in-image
ARG COHERE_API_KEY
# ok: ai-provider-key-in-image
RUN --mount=type=secret,id=wandb WANDB_API_KEY="$(cat /run/secrets/wandb)" python train.py
