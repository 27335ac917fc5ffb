"""A long text is cut into messages: each fits, nothing is lost, and always in the same places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.markup.html import to_html
from plugin.matrix.message_content import EVENT_BYTES
from plugin.matrix.split import PIECE_BYTES, PIECE_JSON, split_message, split_text

from ..markup.documents import OTHERS, TEXTS, documents, fence, table

ITEM = "word " * 60


@given(st.text(), st.integers(4, 40))
def test_every_piece_fits_and_none_is_lost(text: str, limit: int) -> None:
    pieces = split_text(text, limit)

    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(st.sampled_from("ab \n")), st.integers(4, 12))
def test_pieces_come_in_order_and_only_white_space_goes_at_the_cuts(text: str, limit: int) -> None:
    rest = text
    for piece in split_text(text, limit):
        assert rest.lstrip().startswith(piece.lstrip())
        rest = rest[rest.index(piece) + len(piece) :]

    assert rest.strip() == ""


@given(st.text(st.sampled_from("ab \nä😀"), min_size=1).filter(str.strip), st.integers(4, 12))
def test_no_piece_of_a_text_is_empty(text: str, limit: int) -> None:
    """Clients show an empty message as a mistake."""
    assert all(piece.strip() for piece in split_text(text, limit))


def test_what_is_only_white_space_beyond_the_limit_makes_no_message() -> None:
    assert split_text("ninechars\n", 9) == ["ninechars"]


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert split_text("as  it\n\n is") == ["as  it\n\n is"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two\n\nthree", ["one two", "three"]),
        ("one two\nthree", ["one two", "three"]),
        ("one two three", ["one two", "three"]),
        ("onetwothreefour", ["onetwothr", "eefour"]),
        ("ääääää", ["ääää", "ää"]),
        ("😀😀😀", ["😀😀", "😀"]),
    ],
    ids=["paragraph", "line", "word", "characters", "two bytes each", "four bytes each"],
)
def test_a_text_is_cut_at_the_best_place(text: str, pieces: list[str]) -> None:
    assert split_text(text, 9) == pieces


@pytest.mark.parametrize("letter", ["a", "\x01", '"', "й", "語", "😀"])
def test_every_piece_fits_into_an_event_whatever_json_makes_of_it(letter: str) -> None:
    pieces = split_message(letter * 30_000)

    assert "".join(pieces) == letter * 30_000
    assert all(len(json.dumps(piece)) <= PIECE_JSON for piece in pieces)
    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)


@given(
    st.lists(
        st.sampled_from(["a" * 3_000, "é" * 999, '"' * 2_500, " ", "\n", "\n\n"]), max_size=30
    )
)
def test_a_text_that_is_still_written_is_cut_where_it_will_be_as_a_whole(parts: list[str]) -> None:
    whole = split_message("".join(parts))

    for count in range(len(parts)):
        *finished, _ = split_message("".join(parts[:count]))
        assert finished == whole[: len(finished)]


@settings(max_examples=40)
@given(TEXTS, st.integers(300, 900))
def test_messages_of_an_unfinished_text_are_those_of_the_whole_one(text: str, limit: int) -> None:
    """Those before the last stand in the room before the end of the text is known."""
    whole = split_text(text, limit)
    pieces: list[str] = []
    for length in range(0, len(text) + 1, 7):
        grown = split_text(text[:length], limit)
        assert len(grown) >= len(pieces)
        pieces = grown
        assert pieces[:-1] == whole[: len(pieces) - 1]


@given(TEXTS, st.integers(300, 900))
def test_whatever_a_text_is_made_of_every_piece_fits(text: str, limit: int) -> None:
    pieces = split_text(text, limit)

    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert all(piece.strip() for piece in pieces) or not text.strip()


@given(TEXTS, st.integers(300, 900))
def test_no_word_of_a_text_is_left_out(text: str, limit: int) -> None:
    told = iter("".join("".join(split_text(text, limit)).split()))
    assert all(letter in told for letter in "".join(text.split()))


@given(documents(OTHERS))
def test_where_nothing_needs_to_be_opened_again_nothing_is_added(text: str) -> None:
    assert "".join("".join(split_text(text, 500)).split()) == "".join(text.split())


def test_code_that_is_cut_is_closed_and_opened_again_in_its_language() -> None:
    lines = [f"print({number})" for number in range(3000)]
    pieces = split_message("Here:\n\n" + fence(lines) + "\n\nThat is all.")

    assert len(pieces) > 2
    assert pieces[0].startswith("Here:\n\n```py\nprint(0)\n")
    assert all(piece.startswith("```py\nprint(") for piece in pieces[1:])
    assert all(piece.endswith(")\n```") for piece in pieces[:-1])
    assert pieces[-1].endswith("print(2999)\n```\n\nThat is all.")
    told = [line for piece in pieces for line in piece.split("\n") if line.startswith("print")]
    assert told == lines


def test_code_in_an_item_of_a_list_is_opened_again_in_its_place() -> None:
    code = fence([f"print({number})" for number in range(2000)]).replace("\n", "\n   ")
    pieces = split_message(f"1. Run this:\n   {code}\n2. Done.")

    assert pieces[0].endswith("\n   ```")
    assert pieces[1].startswith("   ```py\n   print(")


def test_code_whose_last_line_comes_behind_the_cut_is_not_opened_for_nothing() -> None:
    for length in range(560, 600):
        pieces = split_text(
            "Text.\n\n" + fence(["x" * 50] * 10 + ["y" * (length - 550)]) + "\nEnd.", 640
        )
        assert "".join(pieces).count("```") in (2, 4)
        assert not any(piece.startswith("```py\n```") for piece in pieces)


def test_a_table_that_is_cut_repeats_its_header_and_keeps_its_rows() -> None:
    text = table([f"row {number} " + "word " * 8 for number in range(600)])
    pieces = split_message(text)

    assert len(pieces) > 2
    rows = [piece.split("\n") for piece in pieces]
    assert all(lines[:2] == ["| word | number |", "|---|--:|"] for lines in rows)
    assert [line for lines in rows for line in lines[2:]] == text.split("\n")[2:]


def test_a_table_of_many_small_cells_fits_into_events_as_html_too() -> None:
    for piece in split_message("| a | b |\n|---|---|\n" + "| 12 | 3 |\n" * 4000):
        content = {"body": piece, "formatted_body": to_html(piece, 60.0)}
        assert len(json.dumps(content)) <= EVENT_BYTES - 1000


@pytest.mark.parametrize("mark", ["- ", "1. ", "* "])
def test_a_list_is_cut_between_its_items(mark: str) -> None:
    pieces = split_message("\n".join([f"{mark}{ITEM}\n  - {ITEM}"] * 60))

    assert len(pieces) > 2
    assert all(piece.startswith(mark + "word") for piece in pieces)


def test_no_message_ends_with_a_heading() -> None:
    for size in range(11_700, 12_100, 7):
        pieces = split_message("word " * (size // 5) + "\n\n## Heading\n\n" + "word " * 1000)
        assert len(pieces) == 2
        assert "Heading" not in pieces[0] or not pieces[0].endswith("Heading")


def test_a_block_stays_whole_where_the_message_before_is_not_left_empty_for_it() -> None:
    code = fence(["x = 1"] * 1000)
    text = f"{'word ' * 1500}\n\n{code}\n\nThe end."

    assert split_message(text)[1].startswith(code)


def test_a_paragraph_that_fills_a_message_stays_whole() -> None:
    first, second = "1" * (PIECE_BYTES - 10), "2" * (PIECE_BYTES - 10)
    assert split_message(f"{first}\n\n{second}") == [first, second]


def test_details_that_are_cut_are_folded_in_each_message() -> None:
    inside = "\n\n".join([ITEM, fence(["x = 1"] * 3000), ITEM])
    text = f"<details>\n<summary>More</summary>\n\n{inside}\n\n</details>\n\nThe end."
    pieces = split_message(text)

    assert len(pieces) == 2
    assert pieces[0].endswith("x = 1\n```\n\n</details>")
    assert pieces[1].startswith("<details>\n<summary>More</summary>\n\n```py\nx = 1\n")
    assert pieces[1].endswith("</details>\n\nThe end.")


def test_a_sentence_is_better_than_a_word() -> None:
    pieces = split_message("One two three. " * 2000)
    assert all(piece.endswith("three.") for piece in pieces)


@pytest.mark.parametrize(
    "opening", ["`" * 5000, "```" + "x" * 5000, "| " + "x" * 5000 + " |\n|-|"]
)
def test_what_would_take_too_much_of_a_message_is_not_opened_again(opening: str) -> None:
    pieces = split_message(opening + "\n" + "| word |\n" * 4000)

    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join((opening + "| word |\n" * 4000).split())
