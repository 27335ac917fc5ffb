"""Spacekeeper: each person's agent chats, in a private Matrix Space of their own.

maubot looks for the main class here; everything else lives in the modules beside this file.
"""

from .bot import Spacekeeper

__all__ = ["Spacekeeper"]
