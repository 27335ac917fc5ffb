"""A package of two layers for the tests of dev/trace: `high` stands above `low`."""
