"""The database: a cache of what Matrix says, which may be deleted at any time."""
