"""Messages that are made to do harm: whoever writes one gets an answer, and so does everybody
else."""

from __future__ import annotations

import re

import pytest

from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.rooms import Event, Room
from ..fakes.stories import WHEN, add_chat, ask, come_back, meanwhile, settle_in
from ..fakes.users import User, replies

# A parser may take half a minute for this, in which nothing else in maubot would go on.
POISON = "[a](" * 5000


@WHEN
async def test_what_a_markdown_parser_chokes_on_is_answered_like_anything_else(
    bot: Bot, alice: User, bob: User, when: str
) -> None:
    await settle_in(bot, alice, bob)

    async with meanwhile(bot, when):
        poisoned = alice.write(alice.chat, POISON)
        other = bob.write(bob.chat, "Are you *there*?")

    assert "".join(replies(alice.chat, poisoned)) in POISON
    assert replies(alice.chat, poisoned)
    assert replies(bob.chat, other) == ["Are you *there*?"]


async def test_no_markup_of_anybodys_breaks_out_of_an_attribute(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    await ask(bot, alice, alice.chat, '![<a title=" onerror=alert(1) x=">](http://x/y)')

    html = alice.chat.messages()[-1]["content"]["formatted_body"]
    assert '<a href="http://x/y">&lt;a title=&quot; onerror' in html


@pytest.mark.parametrize("name", ["<" * 60_000, "[a](" * 5000])
async def test_chats_with_endless_names_are_listed_a_line_each(
    bot: Bot, alice: User, name: str
) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    for chat in alice.chats:
        alice.put_state(chat, ("m.room.name", ""), {"name": name})

    said = await ask(bot, alice, control, "!chats")

    assert said.count("…") == 2
    assert len(said) < 1000


async def have_many_chats(bot: Bot, alice: User) -> Room:
    """Settle in with more chats than one message lists; returns the control room."""
    (control,) = await settle_in(bot, alice)
    for number in range(2, 62):
        await add_chat(bot, alice, control, f"{number} " + "<" * 240)
    return control


def listed(control: Room, question: Event) -> list[str]:
    """The chats that are listed behind a question, in order."""
    said = control.messages()[control.messages().index(question) + 1 :]
    return re.findall(r"`(C\d+)`", "\n".join(one["content"]["body"] for one in said))


ALL = [f"C{number}" for number in range(1, 62)]


async def test_a_list_of_any_length_is_told_whole(bot: Bot, alice: User) -> None:
    control = await have_many_chats(bot, alice)

    question = alice.write(control, "!chats")
    await bot.deliver()

    assert listed(control, question) == ALL
    assert len(replies(control, question)) == 1


async def test_a_kill_in_the_middle_of_a_list_costs_nothing(bot: Bot, alice: User) -> None:
    control = await have_many_chats(bot, alice)
    fault = bot.server.inject(Hold("/send/m.room.message/", skip=1, room_id=control.room_id))
    question = alice.write(control, "!chats")
    await bot.push()
    await bot.server.until(fault.reached.is_set)
    await bot.kill()
    fault.cut_off()

    await come_back(bot)

    assert listed(control, question) == ALL
