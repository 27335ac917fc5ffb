"""The one error that is meant for people: its text is sent as the reply."""

from __future__ import annotations


class UserError(Exception):
    """Something that the person who asked can understand, and perhaps mend.

    Args:
        text: the reply, in Markdown: what went wrong and what to do about it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
