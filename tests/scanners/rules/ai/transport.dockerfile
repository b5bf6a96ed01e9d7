FROM python:3.12-slim
# ruleid: ai-package-index-plain-http
RUN pip install --index-url http://pypi.example.org/simple torch
# ruleid: ai-package-index-plain-http
RUN pip install --trusted-host pypi.example.org --index-url https://pypi.example.org/simple torch
# ok: ai-package-index-plain-http
RUN pip install --index-url https://pypi.example.org/simple torch
# ok: ai-package-index-plain-http
RUN pip install --require-hashes -r requirements.txt
