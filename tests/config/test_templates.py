"""The names that Spaces and chats get."""

from __future__ import annotations

import pytest

from plugin.config.file import DEFAULTS

from ..config_text import ALICE, read


def test_names_are_filled_in() -> None:
    settings, _ = read("names: {chat: '{number}: {displayname}, {localpart}, {user_id}'}")

    assert settings.space_title(ALICE, "Alice {x}") == "Alice {x}'s chats"
    assert settings.chat_title(3, ALICE, "Al") == "3: Al, alice, @alice:example.org"


@pytest.mark.parametrize("displayname", [None, "", " \n"])
def test_without_a_display_name_the_localpart_stands_in(displayname: str | None) -> None:
    assert DEFAULTS.space_title(ALICE, displayname) == "alice's chats"


def test_a_display_name_does_not_break_the_line_nor_the_limit() -> None:
    assert DEFAULTS.space_title(ALICE, "Al\nice") == "Al ice's chats"
    assert len(DEFAULTS.space_title(ALICE, "A" * 5000)) == 250
