"""What the pages need from the deployment: the configured store, opened at the first request."""

from __future__ import annotations

import os
from functools import cache

from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.pipeline.session import store_url
from compline.store.engine import Store, open_store
from compline_airflow.dagspec import config_path


@cache
def shared_store() -> Store:
    """One store for the API server's process.

    Raises:
        ConfigError: the configuration is not valid.
        SecretMissing: the API server cannot resolve the store's reference; use `env:` for it.
        StoreError: the store cannot be opened.
    """
    return open_store(store_url(load_config(config_path()), SecretResolver(os.environ)))
