"""Whom an owner can let in, and what a click of theirs cannot do."""

from __future__ import annotations

import pytest

from ..fakes.maubot import Bot
from ..fakes.rooms import Refusal
from ..fakes.stories import add_chat, ask, settle_in
from ..fakes.users import User


async def test_a_guest_in_one_chat_reads_no_other(bot: Bot, alice: User, bob: User) -> None:
    (control,) = await settle_in(bot, alice)
    other = await add_chat(bot, alice, control, "Diary")
    alice.let_in(bob, alice.chats[0])

    with pytest.raises(Refusal):
        bob.join(other)
    with pytest.raises(Refusal):
        alice.let_in(bob, alice.space)
    with pytest.raises(Refusal):
        bob.join(other)

    assert bob.id not in other.members("join", "invite")


async def test_no_click_of_its_owner_ends_a_chat_for_good(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    with pytest.raises(Refusal):
        alice.turn_on_encryption(alice.chat)

    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"
