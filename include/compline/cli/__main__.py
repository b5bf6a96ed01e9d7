"""`python -m compline.cli`, the same as `compline`."""

from compline.cli.main import app

app()
