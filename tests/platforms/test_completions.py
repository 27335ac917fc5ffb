"""A dialogue takes the form that strict models ask for: the user first, then turn by turn."""

from __future__ import annotations

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from plugin.platforms.completions import build_messages
from plugin.platforms.protocol import Turn

UTTERANCES = st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text(min_size=1))


@hypothesis.settings(deadline=None)
@given(st.lists(UTTERANCES), st.text(min_size=1))
def test_the_turns_alternate_and_nothing_the_owner_said_is_lost(
    earlier: list[Turn], text: str
) -> None:
    dialogue = [*earlier, Turn("user", text)]

    turns = build_messages("", dialogue)

    expected = ["user", "assistant"] * len(turns)
    assert [turn["role"] for turn in turns] == expected[: len(turns)]
    said = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "user")
    assert said == "\n\n".join(one.text for one in dialogue if one.role == "user")


def test_the_system_prompt_comes_first() -> None:
    assert build_messages("Be kind.", [Turn("user", "Hi")]) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]
