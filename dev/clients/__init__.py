"""Clients of Matrix that others wrote, as the people who read answers have them.

Each program in here logs in with one of those libraries, waits until an answer is whole, and
prints the messages of its room as the library shows them. What they share is told in client.py.
"""
