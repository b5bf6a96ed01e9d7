"""A directory that is gone afterwards, also when the process that made it was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from compline.scanners.blobs.scratch import scratch_directory

HOLDER = """
import sys, time
from pathlib import Path
from compline.scanners.blobs.scratch import scratch_directory
with scratch_directory(Path(sys.argv[1])) as directory:
    (directory / "file").write_text("content")
    print(directory, flush=True)
    time.sleep(60)
"""


def test_it_is_gone_after_use_and_after_an_exception(tmp_path: Path) -> None:
    parent = tmp_path / "scratch"
    with scratch_directory(parent) as directory:
        (directory / "file").write_text("content")
    assert list(parent.iterdir()) == []
    with pytest.raises(RuntimeError), scratch_directory(parent):
        raise RuntimeError
    assert list(parent.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout
        left = Path(holder.stdout.readline().strip())
        with scratch_directory(tmp_path):
            assert (left / "file").exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert (left / "file").exists()
        with scratch_directory(tmp_path) as own:
            assert not left.exists()
            assert own.exists()
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout
        holder.stdout.close()
