FROM python:3.12-slim
# ruleid: ai-image-add-unchecked
ADD https://models.example.org/chat.safetensors /models/chat.safetensors
# ruleid: ai-image-add-unchecked
ADD --chown=1000:1000 http://models.example.org/vocab.json /models/
# ok: ai-image-add-unchecked
ADD --checksum=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 https://models.example.org/chat.safetensors /models/
# ok: ai-image-add-unchecked
ADD models/chat.safetensors /models/chat.safetensors
