"""How much memory a process holds just now, as Linux reports it.

A peak would not do: what matters is whether it grows with what passes through.
"""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_of(folder: Path) -> int:
    """The resident bytes of the largest process whose working directory is `folder`.

    A program of the stack has a small guard beside it in there.
    """
    return max(_resident(process) for process in _processes_in(folder))


def own_memory() -> int:
    """The resident bytes of this process."""
    return _resident(Path("/proc/self"))


def _resident(process: Path) -> int:
    return int((process / "statm").read_text(encoding="ascii").split()[1]) * PAGE


def _processes_in(folder: Path) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(process)
        except OSError:
            # It has ended, or is another user's.
            continue
    return found
