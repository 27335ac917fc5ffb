"""Texts as assistants write them, put together at random."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = st.lists(
    st.sampled_from(
        ["one", "two,", "three.", "*four*", "`five`", "sechs", "日本", "😀", "$8", "a|b"]
    ),
    min_size=1,
    max_size=30,
).map(" ".join)
LINES = st.lists(WORDS, min_size=1, max_size=6)


def fence(lines: list[str], mark: str = "```", info: str = "py") -> str:
    """A block of code."""
    return "\n".join([mark + info, *lines, mark])


def table(rows: list[str]) -> str:
    """A table of two columns, of which the second has numbers."""
    body = [f"| {row.replace('|', '/')} | {number} |" for number, row in enumerate(rows)]
    return "\n".join(["| word | number |", "|---|--:|", *body])


# What a cut in the middle closes and opens again.
REOPENED = st.one_of(
    LINES.map(fence),
    LINES.map(lambda lines: fence(lines, "~~~~", "")),
    LINES.map(table),
    LINES.map(lambda lines: "1. code:\n   " + fence(lines).replace("\n", "\n   ")),
    LINES.map(
        lambda lines: "\n\n".join(["<details>\n<summary>More</summary>", *lines, "</details>"])
    ),
)
OTHERS = st.one_of(
    WORDS,
    LINES.map("\n".join),
    WORDS.map("## {}".format),
    LINES.map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    LINES.map(lambda lines: "\n\n".join(f"{at}. {line}" for at, line in enumerate(lines, 1))),
    LINES.map(lambda lines: "- item\n" + "\n".join(f"  - {line}" for line in lines)),
    LINES.map(lambda lines: "\n".join(f"> {line}" for line in lines)),
    st.sampled_from(["$$\nx = y\n$$", "\\[\n- 1\n= 2\n\\]", "---", "[1]: http://x", "text:\n- a"]),
)


def documents(*blocks: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Up to eight such blocks below one another."""
    return st.lists(st.one_of(*blocks), min_size=1, max_size=8).map("\n\n".join)


DOCUMENTS = documents(OTHERS, REOPENED)
# Anything that means something at the beginning of a line, in any order.
SIGNS = st.lists(
    st.sampled_from(
        [
            *("\n", "\n\n", " ", "    ", "a", "word ", "```", "~~~", "`", "# ", "- ", "1. ", "> "),
            *("|", "|-|-|\n", "a|b\n-|-\n", "$$", "\\[", "\\]", "<details>", "</details>"),
            *("<summary>x</summary>", "---\n", "***", "\t", "ä", "😀", "* ", "\r\n", "="),
        ]
    ),
    max_size=120,
).map("".join)
TEXTS = st.one_of(DOCUMENTS, SIGNS)
