"""A long text is cut into messages: each fits, nothing is lost, and always in the same places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.matrix.split import PIECE_BYTES, PIECE_JSON, split_message, split_text


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
