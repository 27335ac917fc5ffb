"""The platform of a fresh installation."""

from __future__ import annotations

import uuid

import aiohttp

from plugin.platforms import registry
from plugin.platforms.echo import Echo, EchoSettings

from .conversation import ask, say


async def test_it_answers_with_the_message(http: aiohttp.ClientSession) -> None:
    platform = registry.build(EchoSettings(), http)

    assert await ask(platform, say("Is anybody there?")) == ["Is anybody there?"]


async def test_every_conversation_has_a_key_of_its_own() -> None:
    first, second = await Echo().open("one wish"), await Echo().open("another")

    assert uuid.UUID(first) != uuid.UUID(second)


async def test_a_conversation_that_is_asked_for_twice_is_one() -> None:
    assert await Echo().open("one wish") == await Echo().open("one wish")


async def test_a_conversation_that_was_given_up_is_the_same_when_it_is_asked_for_again() -> None:
    """A chat whose room could not be made is tried again with the same key."""
    platform = Echo()
    given_up, other = await platform.open("one wish"), await platform.open("another")

    await platform.forget(given_up)

    assert await platform.open("one wish") == given_up
    assert await platform.open("another") == other
    assert await ask(platform, say("Still here?")) == ["Still here?"]
