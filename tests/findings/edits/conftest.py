"""Makes the modules of this folder importable: they are too long for one file of fixtures."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
