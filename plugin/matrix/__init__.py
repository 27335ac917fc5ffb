"""Matrix, the truth: the only place that calls the homeserver.

api.py makes one request and retries it, reader.py reads rooms, lookups.py single values and
timeline.py messages; writer.py changes rooms, sender.py sends messages.
"""
