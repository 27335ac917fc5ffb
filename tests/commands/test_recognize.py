"""What counts as a command, in whatever case and however nearly it is written."""

from __future__ import annotations

import pytest

from plugin.commands.recognize import edit_distance

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import add_chat, ask, settle_in, write_while_busy
from ..fakes.users import User, links, replies


@pytest.mark.parametrize("text", ["!Help", "!HELP", "  !help  ", "!Chats"])
async def test_the_case_of_a_command_does_not_matter(
    bot: Bot, platform: FakePlatform, alice: User, text: str
) -> None:
    await settle_in(bot, alice)

    reply = await ask(bot, alice, alice.chat, text)

    assert reply == await ask(bot, alice, alice.chat, text.strip().lower())
    assert platform.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "!help me write a letter",
        "!status of the Apollo programme",
        "!chats about cats",
        "!cancel my order",
    ],
)
async def test_a_command_that_takes_no_words_and_gets_some_is_the_assistants(
    bot: Bot, platform: FakePlatform, alice: User, text: str
) -> None:
    await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, text) == f"Answer to {text}"


@pytest.mark.parametrize("text", ["!help archive", "!help !Archive"])
async def test_help_on_one_command_tells_of_that_one(
    bot: Bot, platform: FakePlatform, alice: User, text: str
) -> None:
    (control,) = await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, text) == "- `!archive`: take a chat out of your Space"
    assert "`!archive <chat>`" in await ask(bot, alice, control, text)
    assert platform.asked == []


NEARLY = {
    "!archve": "archive",
    "!Archvie": "archive",
    "!restor C2": "restore",
    "!chat": "chats",
    "!satus": "status",
    "!canel": "cancel",
    "! new": "new",
    "! new Trip": "new",
    "/new": "new",
    "/Archive": "archive",
}


@pytest.mark.parametrize("text", NEARLY)
async def test_what_is_nearly_a_command_is_asked_about_and_nothing_is_done(
    bot: Bot, platform: FakePlatform, alice: User, text: str
) -> None:
    (control,) = await settle_in(bot, alice)

    for room in (alice.chat, control):
        assert await ask(bot, alice, room, text) == f"Did you mean `!{NEARLY[text]}`?"
    assert platform.asked == []
    assert len(alice.chats) == len(links(alice.space)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "!weather tomorrow",
        "!",
        "!!",
        "so !new",
        "!new-ish",
        "!news",
        "!hello",
        "!chat with me",
        "!store this",
        "/shrug",
        "/help me",
        "!helper, please",
        "! important",
    ],
)
async def test_a_word_that_is_no_command_is_the_assistants(
    bot: Bot, platform: FakePlatform, alice: User, text: str
) -> None:
    await settle_in(bot, alice)

    await ask(bot, alice, alice.chat, text)

    assert platform.texts == [text]


async def test_a_typing_error_does_not_wait_for_a_slow_answer(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await write_while_busy(bot, platform, alice)

    message = alice.write(alice.chat, "!cancle")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, message) == ["Did you mean `!cancel`?"])


@pytest.mark.parametrize("text", ["!foo", "!Foo and more", "!weather tomorrow"])
async def test_the_control_room_says_which_command_it_does_not_know(
    bot: Bot, alice: User, text: str
) -> None:
    (control,) = await settle_in(bot, alice)

    name = text[1:].split(maxsplit=1)[0].lower()
    assert await ask(bot, alice, control, text) == (
        f"I don't know `!{name}`. `!help` lists what I can do."
    )


async def test_in_the_control_room_further_words_harm_no_command(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)

    reply = await ask(bot, alice, control, "!chats please")

    assert reply == await ask(bot, alice, control, "!chats")


async def test_rename_in_a_chat_renames_another_that_is_named_by_its_handle(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    second = await add_chat(bot, alice, control)
    first = alice.chats[0]

    await ask(bot, alice, first, "!rename c2 Summer  trip")
    await ask(bot, alice, second, "!rename C1\nTaxes")

    assert (first.name, second.name) == ("Taxes", "Summer trip")


@pytest.mark.parametrize("title", ["C7 plans", "2 good things", "Cats and dogs"])
async def test_rename_takes_what_is_no_handle_of_ones_own_for_a_title(
    bot: Bot, alice: User, title: str
) -> None:
    (control,) = await settle_in(bot, alice)
    second = await add_chat(bot, alice, control, "Other")

    await ask(bot, alice, alice.chats[0], f"!rename {title}")

    assert (alice.chats[0].name, second.name) == (title, "Other")


async def with_titles(bot: Bot, alice: User, *titles: str) -> Room:
    """The control room of somebody who has these chats behind the first, all archived."""
    (control,) = await settle_in(bot, alice)
    for number, title in enumerate(titles, 2):
        await add_chat(bot, alice, control, title)
        await ask(bot, alice, control, f"!archive C{number}")
    return control


@pytest.mark.parametrize("words", ["Rendering", "rendering", "C2", "c2", "2"])
async def test_restore_takes_a_title_as_well_as_a_handle(
    bot: Bot, alice: User, words: str
) -> None:
    control = await with_titles(bot, alice, "Rendering", "Taxes 2")

    await ask(bot, alice, control, f"!restore {words}")

    assert alice.chats[1].room_id in links(alice.space)
    assert alice.chats[2].room_id not in links(alice.space)


async def test_of_two_chats_with_one_title_the_archived_one_is_restored(
    bot: Bot, alice: User
) -> None:
    control = await with_titles(bot, alice, "Trip")
    live = await add_chat(bot, alice, control, "Trip")

    await ask(bot, alice, control, "!restore Trip")
    assert len(links(alice.space)) == 3
    await ask(bot, alice, live, "!archive")

    await ask(bot, alice, control, "!archive Trip")
    assert list(links(alice.space)) == [alice.chats[0].room_id]


async def test_a_title_that_several_chats_have_is_asked_about(bot: Bot, alice: User) -> None:
    control = await with_titles(bot, alice, "A trip", "A trip")

    assert await ask(bot, alice, control, "!restore a  trip") == (
        "Several of your chats are called **a trip**: `C2`, `C3`. Please name one by its handle."
    )
    assert len(links(alice.space)) == 1


async def test_a_title_that_no_chat_has_is_said_to_be_unknown(bot: Bot, alice: User) -> None:
    control = await with_titles(bot, alice, "Trip")

    assert await ask(bot, alice, control, "!restore Tripp *2*") == (
        "You have no chat called **Tripp \\*2\\***. `!chats` lists the ones you have."
    )


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "new", 3),
        ("help", "help", 0),
        ("hlep", "help", 1),
        ("archve", "archive", 1),
        ("a", "b", 1),
    ],
)
def test_the_distance_counts_what_a_hand_gets_wrong(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance
