"""Writes docs/sentences.md: every sentence that people read, as the modules have it.

`python -m dev.sentences` writes the page; a test compares it with the modules.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from .environments import ROOT

PAGE = ROOT / "docs" / "sentences.md"
INTRODUCTION = """# What people read

Every sentence of the bot's own, by the module that has it. Words in braces are filled in.
`.venv/test/bin/python -m dev.sentences` writes it anew; a test compares it with the modules.
"""


def page() -> str:
    """The page as it is to be."""
    return "\n".join([INTRODUCTION, *(_section(path) for path in modules())]).rstrip() + "\n"


def modules() -> list[Path]:
    """The files that hold sentences, relative to the project."""
    return sorted(path.relative_to(ROOT) for path in ROOT.glob("plugin/*/sentences.py"))


def _section(path: Path) -> str:
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    first = (module.__doc__ or "").splitlines()[0]
    return "\n".join([f"## `{path}`", "", first, "", *_lines(module), ""])


def _lines(module: ModuleType) -> list[str]:
    return [
        f"- `{name}`: {' '.join(value.split())}"
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
