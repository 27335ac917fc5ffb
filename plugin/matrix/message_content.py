"""What stands in the bot's messages: text, the looks of it, marks, and what they relate to.

Nothing is sent from here.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from mautrix.types import EventID

from ..message import IncomingMessage, sanitize
from ..topology.standing_answer import LIVE_KEY, REMARK_KEY
from .marks import ANSWERS_KEY, INSTANCE_KEY, MSC_LIVE_KEY
from .render import MARKUP, Renderer
from .split import split_message

# Events are limited to 65,536 bytes (client-server API, section 7.1.4), a third of which goes
# where they are encrypted; the rest is left for what stands around the text.
EVENT_BYTES = 42_000
# Characters of a text that needs no cutting, whatever it takes to write them in JSON.
SHORT = 1500
# Characters of an edit that clients show which know no edits.
FALLBACK = 200


def cut(text: str) -> list[str]:
    """The text of each message that a text takes; always cut in the same places.

    Args:
        text: as a platform or the bot says it.
    """
    text = sanitize(text)
    return [text.strip()] if len(text) <= SHORT else split_message(text)


def make_content(text: str, msgtype: str, remark: str = "") -> dict[str, Any]:
    """A message without its looks and marks. Nobody is pinged by a name in it: its list of
    mentions is empty (client-server API, section 11.38).

    Args:
        text: what it says.
        msgtype: its type.
        remark: the bot's own, below what an assistant says. It is never cut in two: there is room
            for it in every event.
    """
    content: dict[str, Any] = {"msgtype": msgtype, "body": text, "m.mentions": {}}
    if remark:
        content |= {"body": f"{text}\n\n{remark}".strip(), REMARK_KEY: remark}
    return content


def mark_answer(asked: IncomingMessage, instance: str, marks: Collection[str]) -> dict[str, Any]:
    """What tells of a message that it is an answer, of which instance, and how far it is."""
    content: dict[str, Any] = {ANSWERS_KEY: asked.event_id, INSTANCE_KEY: instance}
    content |= dict.fromkeys(sorted(marks), True)
    if LIVE_KEY in marks:
        content[MSC_LIVE_KEY] = {}
    return content


def make_reply(asked: IncomingMessage) -> dict[str, Any]:
    """The relation of a message to the one that it is a reply to, in its thread if it has one."""
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": asked.event_id}}
    if asked.thread is not None:
        # Clients that know no threads show the reply (section "Threading").
        relation |= {"rel_type": "m.thread", "event_id": asked.thread, "is_falling_back": True}
    return relation


def make_edit(event_id: EventID, content: dict[str, Any]) -> dict[str, Any]:
    """The event that lets a content stand in a message's place (section 11.37).

    Args:
        event_id: the message.
        content: the whole new content. It stands in the edit once, and outside of it nothing but
            its marks and the beginning of its text.
    """
    outside = {key: value for key, value in content.items() if key not in LOOKS}
    return {
        **outside,
        "body": f"* {content['body']}"[:FALLBACK],
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


LOOKS = ("format", "formatted_body")


class Looks:
    """Lets messages show what their Markdown means.

    One is made for each text: what one piece of it takes too long for is not tried with the next.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._gave_up = False

    async def add(self, content: dict[str, Any], unfinished: bool = False) -> None:
        """Add the HTML for a message's text, if there is anything to show and it fits.

        Args:
            content: the message.
            unfinished: more of the text is to come. What is not closed yet is shown as it is
                written, so that nothing flickers.
        """
        text = content["body"]
        if self._gave_up or not MARKUP.search(text):
            return
        render = self._renderer.render_unfinished if unfinished else self._renderer.render
        html = await render(text)
        self._gave_up = html is None
        if html is None:
            return
        looks = dict(zip(LOOKS, ("org.matrix.custom.html", html), strict=True))
        if len(json.dumps({**content, **looks})) <= EVENT_BYTES:
            content.update(looks)
