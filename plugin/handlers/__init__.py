"""What people can do: one class for each area, each behind the same boundary."""
