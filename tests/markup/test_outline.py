"""What of an unfinished text is shown as it will look: whole blocks, and never one too many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from plugin.markup.html import to_html
from plugin.markup.outline import read_blocks
from plugin.markup.unfinished import close_blocks, closed_prefix

from .documents import DOCUMENTS, TEXTS


@pytest.mark.parametrize(
    ("closed", "rest"),
    [
        ("", "A paragraph that is being writ"),
        ("", "One line.\nAnother"),
        ("One paragraph.\n", "\nAnoth"),
        ("# Heading\n", "And te"),
        ("", "# Headi"),
        ("", "```py\nprint(1)\n"),
        ("", "```py\nprint(1)\n\nprint(2)\n```"),
        ("```py\nprint(1)\n```\n", ""),
        ("```py\nprint(1)\n```\n", "mo"),
        ("", "~~~\n```\n~~"),
        ("- one\n- two\n", "- thr"),
        ("", "- one\n  - nested\n  - more"),
        ("- one\n\n- two\n\n", "- three"),
        ("- one\n- two\n", "\nThe end."),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "| 3 |"),
        ("", "| a | b |\n|--"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "\nThe end."),
        ("", "> quoted\n> mor"),
        ("> quoted\n", "\nThe end."),
        ("", "$$\nx = y\n"),
        ("$$\nx = y\n$$\n", "mo"),
        ("Text:\n", "- one"),
        ("<details>\n<summary>More</summary>\n\nSecret.\n", "\nEven mo"),
        ("<details>\n<summary>More</summary>\n\nSecret.\n\n</details>\n", "\nThe e"),
        ("", "<details>\nWhat"),
    ],
)
def test_what_is_closed_is_told_from_what_is_being_written(closed: str, rest: str) -> None:
    text = closed + rest
    assert text[: closed_prefix(text)].rstrip() == closed.rstrip()


@given(TEXTS)
def test_blocks_follow_one_another_and_leave_out_blank_lines_alone(text: str) -> None:
    at = 0
    for block in read_blocks(text):
        assert text[at : block.start].strip() == ""
        assert block.start < block.end
        at = block.end
    assert text[at:].strip() == ""


@settings(max_examples=30)
@given(DOCUMENTS)
def test_what_was_closed_stays_closed_when_more_is_written(text: str) -> None:
    closed = [closed_prefix(text[:length]) for length in range(len(text) + 1)]
    assert closed == sorted(closed)
    whole = text + "\n\nThe end"
    assert whole[: closed_prefix(whole)].rstrip() == text.rstrip()


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("Words", ""),
        ("```py\nx = 1", "\n```"),
        ("```py\nx = 1\n```", ""),
        ("```py\nx = 1\n```\n", ""),
        ("Words\n\n~~~~\nx = 1", "\n~~~~"),
        ("<details>\n<summary>More</summary>\n\n```\nx = 1", "\n```\n\n</details>"),
        ("<details>\n<summary>More</summary>\n\nx\n</details>", ""),
        ("- item\n  ```\n  x = 1", ""),
    ],
)
def test_what_is_written_below_a_text_that_breaks_off_is_in_no_block_of_it(
    text: str, closing: str
) -> None:
    assert close_blocks(text) == text + closing
    assert to_html(f"{close_blocks(text)}\n\nBelow", 1.0).endswith("<p>Below</p>\n")
