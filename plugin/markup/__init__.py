"""Markdown as texts of assistants are written in it: where its blocks end, and its HTML.

Pure functions of text. What they may cost is for whoever calls them to bound.
"""
