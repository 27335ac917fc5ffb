"""What can happen to a Space and its chats, and what must come of each.

Every one of them is caused once while the plugin runs and once while it is down: the outcome is
the same. `check` begins with what must come by itself and only then has the person speak.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod

from dev.room_snapshot import BINDING, CHILD, MARKER, content_of

from .scenario import Scene, eventually, until_said
from .story import ask

BACKFILL = uuid.uuid5(uuid.NAMESPACE_URL, "https://spacekeeper.chat/backfill")
ARCHIVED = "is archived"


class Upheaval(ABC):
    """Something that happens to one person's rooms."""

    @abstractmethod
    async def cause(self, scene: Scene) -> None:
        """Let it happen."""

    @abstractmethod
    async def check(self, scene: Scene) -> None:
        """Wait for what comes of it. Raises AssertionError."""


class Removal(Upheaval):
    """The owner removes a chat from the Space, in any client: it is archived."""

    async def cause(self, scene: Scene) -> None:
        await scene.person.set_state(scene.space, CHILD, {}, scene.second)

    async def check(self, scene: Scene) -> None:
        await until_said(scene, "!chats", "(archived)")
        assert ARCHIVED in await ask(scene.person, scene.second, "there?")
        assert await scene.link(scene.space, scene.second) == {}
        assert await ask(scene.person, scene.first, "there?") == "there?"
        await scene.say("!restore C2")
        assert await ask(scene.person, scene.second, "and now?") == "and now?"
        assert (await scene.link(scene.space, scene.second))[BINDING]["chat_id"] == "C2"


class Return(Upheaval):
    """The owner removes a chat and adds it back: it goes on, in the place they gave it."""

    async def cause(self, scene: Scene) -> None:
        binding = await scene.binding(scene.second)
        await scene.person.set_state(scene.space, CHILD, {}, scene.second)
        link = {"via": ["localhost"], "order": "zz"}
        await scene.person.set_state(scene.space, CHILD, link, scene.second)
        scene.noted["link"] = {**link, "suggested": True, BINDING: binding}

    async def check(self, scene: Scene) -> None:
        async def mirrored() -> bool:
            return bool(await scene.link(scene.space, scene.second) == scene.noted["link"])

        await eventually(mirrored, "the mirror is written again")
        assert await ask(scene.person, scene.second, "there?") == "there?"


class Departure(Upheaval):
    """The owner leaves a chat: it is archived until they come back through the Space."""

    async def cause(self, scene: Scene) -> None:
        await scene.person.leave(scene.second)

    async def check(self, scene: Scene) -> None:
        await until_said(scene, "!chats", "(archived)")
        assert scene.second not in await scene.person.invitations()
        await scene.person.join(scene.second)
        await until_said(scene, "!chats", "(archived)", gone=True)
        assert await ask(scene.person, scene.second, "back!") == "back!"


class DepartureFromSpace(Upheaval):
    """The owner leaves the Space: their next word brings them an invitation to the same one."""

    async def cause(self, scene: Scene) -> None:
        await scene.person.leave(scene.space)

    async def check(self, scene: Scene) -> None:
        async def invited() -> bool:
            assert await ask(scene.person, scene.second, "there?") == "there?"
            return scene.space in await scene.person.invitations()

        await eventually(invited, "an invitation to the same Space")
        assert scene.rooms_made() == 0


class BotGone(Upheaval):
    """The bot is out of a chat: it is lost, and no other room is made in its stead."""

    async def cause(self, scene: Scene) -> None:
        await scene.bot.leave(scene.second)

    async def check(self, scene: Scene) -> None:
        await until_said(scene, "!status", "Lost: 1")
        assert await ask(scene.person, scene.first, "there?") == "there?"
        assert (await scene.link(scene.space, scene.second))[BINDING]["chat_id"] == "C2"
        assert scene.rooms_made() == 0


class Purge(BotGone):
    """A server administrator deletes a chat's room: the same."""

    async def cause(self, scene: Scene) -> None:
        await scene.stack.synapse.purge(scene.second, scene.administrator.login)


class BotGoneFromSpace(Upheaval):
    """The bot is out of the Space: the chats go on, in a new Space after the owner's next word."""

    async def cause(self, scene: Scene) -> None:
        scene.noted["bindings"] = [await scene.binding(room) for room in scene.resident.chats]
        await scene.bot.leave(scene.space)

    async def check(self, scene: Scene) -> None:
        spaces: list[str] = []

        async def invited() -> bool:
            assert await ask(scene.person, scene.first, "there?") == "there?"
            spaces.extend(set(await scene.person.invitations()) - {scene.space})
            return bool(spaces)

        await eventually(invited, "an invitation to a new Space")
        for room_id, before in zip(scene.resident.chats, scene.noted["bindings"], strict=True):

            async def linked(room_id: str = room_id) -> bool:
                return bool(await scene.link(spaces[0], room_id))

            await eventually(linked, "the chat is in the new Space")
            assert await scene.binding(room_id) == {**before, "space_id": spaces[0]}
            assert await ask(scene.person, room_id, "here?") == "here?"
        assert scene.rooms_made() == 1


class Upgrade(Upheaval):
    """A chat's room is upgraded by whoever may: the chat goes on in the new room."""

    times = 1

    async def cause(self, scene: Scene) -> None:
        scene.noted["binding"] = await scene.binding(scene.second)
        room_id = scene.second
        for _ in range(self.times):
            room_id = await scene.upgrade(room_id)
        scene.noted["heir"] = room_id

    async def check(self, scene: Scene) -> None:
        heir, binding = scene.noted["heir"], scene.noted["binding"]

        async def taken_over() -> bool:
            link = await scene.link(scene.space, heir)
            before = await scene.link(scene.space, scene.second)
            return link.get(BINDING) == binding and "via" not in before

        await eventually(taken_over, "the new room is in the Space instead of the old one")
        assert await scene.binding(heir) == binding
        await scene.person.join(heir)
        assert await ask(scene.person, heir, "hello new room") == "hello new room"
        assert scene.rooms_made() == 0


class UpgradeTwice(Upgrade):
    """It is upgraded twice in a row: the same, over the room between."""

    times = 2


class UpgradeOfSpace(Upheaval):
    """The Space is upgraded: the new one has all chats, and the owner is shown into it."""

    async def cause(self, scene: Scene) -> None:
        scene.noted["heir"] = await scene.upgrade(scene.space)

    async def check(self, scene: Scene) -> None:
        heir = scene.noted["heir"]

        async def taken_over() -> bool:
            marker = content_of(await scene.bot.state(heir), MARKER)
            bindings = [await scene.binding(room) for room in scene.resident.chats]
            links = [await scene.link(heir, room) for room in scene.resident.chats]
            moved = {binding["space_id"] for binding in bindings} == {heir}
            mirrored = [link.get(BINDING) for link in links] == bindings
            return marker.get("matrix_user_id") == scene.person.user_id and moved and mirrored

        await eventually(taken_over, "the new Space has the chats")
        for room_id in scene.resident.chats:
            assert await ask(scene.person, room_id, "still here") == "still here"
        await scene.say("!space")
        await scene.person.join(heir)
        assert scene.rooms_made() == 0


class Closing(Upheaval):
    """A chat's room is closed with no room after it: it is archived."""

    async def cause(self, scene: Scene) -> None:
        # Synapse takes no tombstone without this key.
        content = {"body": "closed", "replacement_room": ""}
        await scene.bot.set_state(scene.second, "m.room.tombstone", content)

    async def check(self, scene: Scene) -> None:
        await until_said(scene, "!chats", "(archived)")
        assert ARCHIVED in await ask(scene.person, scene.second, "there?")
        assert await ask(scene.person, scene.first, "there?") == "there?"


class TwoSpaces(Upheaval):
    """There are two Spaces for one owner: the older has the chats of both, the other is kept."""

    async def cause(self, scene: Scene) -> None:
        owner, first = scene.person.user_id, await scene.binding(scene.first)
        marker = {"v": 1, "instance": first["instance"], "matrix_user_id": owner}
        scene.noted["younger"] = younger = await scene.bot.create_room(
            creation_content={"type": "m.space"},
            initial_state=[{"type": MARKER, "state_key": "", "content": marker}],
        )
        binding = {**first, "chat_id": "C3", "space_id": younger, "platform_chat_id": younger}
        scene.noted["third"] = third = await scene.bot.create_room(
            initial_state=[{"type": BINDING, "state_key": "", "content": binding}],
            invite=[owner],
        )
        link = {"via": ["localhost"], BINDING: binding}
        await scene.bot.set_state(younger, CHILD, link, third)

    async def check(self, scene: Scene) -> None:
        younger, third = scene.noted["younger"], scene.noted["third"]

        async def moved() -> bool:
            return bool(await scene.link(scene.space, third))

        await eventually(moved, "the chat is in the older Space")
        marker = content_of(await scene.bot.state(younger), MARKER)
        assert marker["superseded_by"] == scene.space
        assert (await scene.binding(third))["platform_chat_id"] == younger
        await scene.person.join(third)
        for room_id in (*scene.resident.chats, third):
            assert await ask(scene.person, room_id, "here?") == "here?"
        assert scene.rooms_made() == 0


class TwinConversations(Upheaval):
    """Two chats claim one conversation: the older keeps it, the other gets one of its own."""

    async def cause(self, scene: Scene) -> None:
        scene.noted["older"] = older = await scene.binding(scene.first)
        twin = {**older, "chat_id": "C2"}
        await scene.bot.set_state(scene.second, BINDING, twin)
        link = {**await scene.link(scene.space, scene.second), BINDING: twin}
        await scene.bot.set_state(scene.space, CHILD, link, scene.second)

    async def check(self, scene: Scene) -> None:
        own = str(uuid.uuid5(BACKFILL, scene.second))
        wanted = {**scene.noted["older"], "chat_id": "C2", "platform_chat_id": own}

        async def settled() -> bool:
            return await scene.binding(scene.second) == wanted

        await eventually(settled, "the younger chat has a conversation of its own")
        assert await scene.binding(scene.first) == scene.noted["older"]
        assert (await scene.link(scene.space, scene.second))[BINDING] == wanted
        for room_id in scene.resident.chats:
            assert await ask(scene.person, room_id, "here?") == "here?"
