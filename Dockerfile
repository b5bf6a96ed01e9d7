# Compline with Airflow, from the same hash-pinned files as everywhere.
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap git openssh-client skopeo \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/compline
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes -r requirements/distributed.txt
COPY pyproject.toml README.md LICENSE ./
COPY include include
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
COPY dags dags
COPY plugins plugins
USER 50000:0
HEALTHCHECK NONE
CMD ["airflow", "version"]
