"""The known defect for tools that open model files: a pickle that would run a command.

It names a command that does nothing, lies beside the files of every batch, and is never loaded.
"""

from __future__ import annotations

CANARY = "canary/canary.pkl"
"""Its place in the directory of a batch."""
CANARY_PICKLE = (
    b"\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
)
"""Protocol 4: the global posix.system, called with ("true",) by REDUCE (pickletools lists it)."""
EQUIPMENT = {CANARY: CANARY_PICKLE}
