"""What people read stands in one place each folder, and docs/sentences.md lists all of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from dev.environments import ROOT
from dev.sentences import PAGE, page

# What takes a sentence to people as its first or second argument.
SAYS = {"UserError", "PlatformError", "notice", "reply"}


def test_the_page_lists_every_sentence() -> None:
    hint = "`.venv/test/bin/python -m dev.sentences` writes the page anew"
    assert PAGE.read_text(encoding="utf-8") == page(), hint


def test_no_sentence_stands_anywhere_else() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "plugin").rglob("*.py"))
        if path.name != "sentences.py"
        for line, text in _sentences_in(path)
    ]

    assert found == []


def test_no_command_answers_with_words_of_its_own() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{part.lineno}: {part.value!r}"
        for folder in ("commands", "handlers", "delivery", "spaces")
        for path in sorted((ROOT / "plugin" / folder).glob("*.py"))
        if path.name != "sentences.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Return) and node.value is not None
        for part in _outside_of_commands(node.value)
        if isinstance(part, ast.Constant) and " " in str(part.value).strip()
    ]

    assert found == []


def _outside_of_commands(node: ast.AST) -> Iterator[ast.AST]:
    """All of it but how commands are written, as the list of commands has that."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Command":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _outside_of_commands(child)


def _sentences_in(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        for argument in node.args[:2] if name in SAYS else ():
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and " " in str(part.value).strip():
                    yield part.lineno, str(part.value)
