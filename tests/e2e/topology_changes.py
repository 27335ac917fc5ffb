"""What can happen to a Space and its chats, and what must come of each.

Every one of them is caused once while the plugin runs and once while it is down: the outcome is
the same. `check` begins with what must come by itself and only then has the person speak.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod

from dev.room_snapshot import BINDING, CHILD, MARKER, content_of

from .scenario import Scenario, eventually, until_said
from .story import ask

BACKFILL = uuid.uuid5(uuid.NAMESPACE_URL, "https://spacekeeper.chat/backfill")
ARCHIVED = "is archived"


class TopologyChange(ABC):
    """Something that happens to one person's rooms."""

    @abstractmethod
    async def cause(self, scenario: Scenario) -> None:
        """Let it happen."""

    @abstractmethod
    async def check(self, scenario: Scenario) -> None:
        """Wait for what comes of it. Raises AssertionError."""


class Removal(TopologyChange):
    """The owner removes a chat from the Space, in any client: it is archived."""

    async def cause(self, scenario: Scenario) -> None:
        await scenario.person.set_state(scenario.space, CHILD, {}, scenario.second)

    async def check(self, scenario: Scenario) -> None:
        await until_said(scenario, "!chats", "(archived)")
        assert ARCHIVED in await ask(scenario.person, scenario.second, "there?")
        assert await scenario.link(scenario.space, scenario.second) == {}
        assert await ask(scenario.person, scenario.first, "there?") == "there?"
        await scenario.say("!restore C2")
        assert await ask(scenario.person, scenario.second, "and now?") == "and now?"
        assert (await scenario.link(scenario.space, scenario.second))[BINDING]["chat_id"] == "C2"


class Return(TopologyChange):
    """The owner removes a chat and adds it back: it goes on, in the place they gave it."""

    async def cause(self, scenario: Scenario) -> None:
        binding = await scenario.binding(scenario.second)
        await scenario.person.set_state(scenario.space, CHILD, {}, scenario.second)
        link = {"via": ["localhost"], "order": "zz"}
        await scenario.person.set_state(scenario.space, CHILD, link, scenario.second)
        scenario.noted["link"] = {**link, "suggested": True, BINDING: binding}

    async def check(self, scenario: Scenario) -> None:
        async def mirrored() -> bool:
            return bool(
                await scenario.link(scenario.space, scenario.second) == scenario.noted["link"]
            )

        await eventually(mirrored, "the mirror is written again")
        assert await ask(scenario.person, scenario.second, "there?") == "there?"


class Departure(TopologyChange):
    """The owner leaves a chat: it is archived until they come back through the Space."""

    async def cause(self, scenario: Scenario) -> None:
        await scenario.person.leave(scenario.second)

    async def check(self, scenario: Scenario) -> None:
        await until_said(scenario, "!chats", "(archived)")
        assert scenario.second not in await scenario.person.invitations()
        await scenario.person.join(scenario.second)
        await until_said(scenario, "!chats", "(archived)", gone=True)
        assert await ask(scenario.person, scenario.second, "back!") == "back!"


class DepartureFromSpace(TopologyChange):
    """The owner leaves the Space: their next word brings them an invitation to the same one."""

    async def cause(self, scenario: Scenario) -> None:
        await scenario.person.leave(scenario.space)

    async def check(self, scenario: Scenario) -> None:
        async def invited() -> bool:
            assert await ask(scenario.person, scenario.second, "there?") == "there?"
            return scenario.space in await scenario.person.invitations()

        await eventually(invited, "an invitation to the same Space")
        assert scenario.rooms_made() == 0


class BotGone(TopologyChange):
    """The bot is out of a chat: it is lost, and no other room is made in its stead."""

    async def cause(self, scenario: Scenario) -> None:
        await scenario.bot.leave(scenario.second)

    async def check(self, scenario: Scenario) -> None:
        await until_said(scenario, "!status", "Lost chats: 1")
        assert await ask(scenario.person, scenario.first, "there?") == "there?"
        assert (await scenario.link(scenario.space, scenario.second))[BINDING]["chat_id"] == "C2"
        assert scenario.rooms_made() == 0


class Purge(BotGone):
    """A server administrator deletes a chat's room: the same."""

    async def cause(self, scenario: Scenario) -> None:
        await scenario.stack.synapse.purge(scenario.second, scenario.administrator.login)


class BotGoneFromSpace(TopologyChange):
    """The bot is out of the Space: the chats go on, in a new Space after the owner's next word."""

    async def cause(self, scenario: Scenario) -> None:
        scenario.noted["bindings"] = [
            await scenario.binding(room) for room in scenario.onboarded.chats
        ]
        await scenario.bot.leave(scenario.space)

    async def check(self, scenario: Scenario) -> None:
        spaces: list[str] = []

        async def invited() -> bool:
            assert await ask(scenario.person, scenario.first, "there?") == "there?"
            spaces.extend(set(await scenario.person.invitations()) - {scenario.space})
            return bool(spaces)

        await eventually(invited, "an invitation to a new Space")
        for room_id, before in zip(
            scenario.onboarded.chats, scenario.noted["bindings"], strict=True
        ):

            async def linked(room_id: str = room_id) -> bool:
                return bool(await scenario.link(spaces[0], room_id))

            await eventually(linked, "the chat is in the new Space")
            assert await scenario.binding(room_id) == {**before, "space_id": spaces[0]}
            assert await ask(scenario.person, room_id, "here?") == "here?"
        assert scenario.rooms_made() == 1


class Upgrade(TopologyChange):
    """A chat's room is upgraded by whoever may: the chat goes on in the new room."""

    times = 1

    async def cause(self, scenario: Scenario) -> None:
        scenario.noted["binding"] = await scenario.binding(scenario.second)
        room_id = scenario.second
        for _ in range(self.times):
            room_id = await scenario.upgrade(room_id)
        scenario.noted["heir"] = room_id

    async def check(self, scenario: Scenario) -> None:
        replacement_room, binding = scenario.noted["heir"], scenario.noted["binding"]

        async def taken_over() -> bool:
            link = await scenario.link(scenario.space, replacement_room)
            before = await scenario.link(scenario.space, scenario.second)
            return link.get(BINDING) == binding and "via" not in before

        await eventually(taken_over, "the new room is in the Space instead of the old one")
        assert await scenario.binding(replacement_room) == binding
        await scenario.person.join(replacement_room)
        assert await ask(scenario.person, replacement_room, "hello new room") == "hello new room"
        assert scenario.rooms_made() == 0


class UpgradeTwice(Upgrade):
    """It is upgraded twice in a row: the same, over the room between."""

    times = 2


class UpgradeOfSpace(TopologyChange):
    """The Space is upgraded: the new one has all chats, and the owner is shown into it."""

    async def cause(self, scenario: Scenario) -> None:
        scenario.noted["heir"] = await scenario.upgrade(scenario.space)

    async def check(self, scenario: Scenario) -> None:
        replacement_room = scenario.noted["heir"]

        async def taken_over() -> bool:
            marker = content_of(await scenario.bot.state(replacement_room), MARKER)
            bindings = [await scenario.binding(room) for room in scenario.onboarded.chats]
            links = [
                await scenario.link(replacement_room, room) for room in scenario.onboarded.chats
            ]
            moved = {binding["space_id"] for binding in bindings} == {replacement_room}
            mirrored = [link.get(BINDING) for link in links] == bindings
            return marker.get("matrix_user_id") == scenario.person.user_id and moved and mirrored

        await eventually(taken_over, "the new Space has the chats")
        for room_id in scenario.onboarded.chats:
            assert await ask(scenario.person, room_id, "still here") == "still here"
        await scenario.say("!space")
        await scenario.person.join(replacement_room)
        assert scenario.rooms_made() == 0


class Closing(TopologyChange):
    """A chat's room is closed with no room after it: it is archived."""

    async def cause(self, scenario: Scenario) -> None:
        # Synapse takes no tombstone without this key.
        content = {"body": "closed", "replacement_room": ""}
        await scenario.bot.set_state(scenario.second, "m.room.tombstone", content)

    async def check(self, scenario: Scenario) -> None:
        await until_said(scenario, "!chats", "(archived)")
        assert ARCHIVED in await ask(scenario.person, scenario.second, "there?")
        assert await ask(scenario.person, scenario.first, "there?") == "there?"


class TwoSpaces(TopologyChange):
    """There are two Spaces for one owner: the older has the chats of both, the other is kept."""

    async def cause(self, scenario: Scenario) -> None:
        owner, first = scenario.person.user_id, await scenario.binding(scenario.first)
        marker = {"v": 1, "instance": first["instance"], "matrix_user_id": owner}
        scenario.noted["younger"] = younger = await scenario.bot.create_room(
            creation_content={"type": "m.space"},
            initial_state=[{"type": MARKER, "state_key": "", "content": marker}],
        )
        binding = {**first, "chat_id": "C3", "space_id": younger, "platform_chat_id": younger}
        scenario.noted["third"] = third = await scenario.bot.create_room(
            initial_state=[{"type": BINDING, "state_key": "", "content": binding}],
            invite=[owner],
        )
        link = {"via": ["localhost"], BINDING: binding}
        await scenario.bot.set_state(younger, CHILD, link, third)

    async def check(self, scenario: Scenario) -> None:
        younger, third = scenario.noted["younger"], scenario.noted["third"]

        async def moved() -> bool:
            return bool(await scenario.link(scenario.space, third))

        await eventually(moved, "the chat is in the older Space")
        marker = content_of(await scenario.bot.state(younger), MARKER)
        assert marker["superseded_by"] == scenario.space
        assert (await scenario.binding(third))["platform_chat_id"] == younger
        await scenario.person.join(third)
        for room_id in (*scenario.onboarded.chats, third):
            assert await ask(scenario.person, room_id, "here?") == "here?"
        assert scenario.rooms_made() == 0


class TwinConversations(TopologyChange):
    """Two chats claim one conversation: the older keeps it, the other gets one of its own."""

    async def cause(self, scenario: Scenario) -> None:
        scenario.noted["older"] = older = await scenario.binding(scenario.first)
        twin = {**older, "chat_id": "C2"}
        await scenario.bot.set_state(scenario.second, BINDING, twin)
        link = {**await scenario.link(scenario.space, scenario.second), BINDING: twin}
        await scenario.bot.set_state(scenario.space, CHILD, link, scenario.second)

    async def check(self, scenario: Scenario) -> None:
        own = str(uuid.uuid5(BACKFILL, scenario.second))
        wanted = {**scenario.noted["older"], "chat_id": "C2", "platform_chat_id": own}

        async def settled() -> bool:
            return await scenario.binding(scenario.second) == wanted

        await eventually(settled, "the younger chat has a conversation of its own")
        assert await scenario.binding(scenario.first) == scenario.noted["older"]
        assert (await scenario.link(scenario.space, scenario.second))[BINDING] == wanted
        for room_id in scenario.onboarded.chats:
            assert await ask(scenario.person, room_id, "here?") == "here?"
