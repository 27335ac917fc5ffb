"""`./build.sh trace`: which of the plugin's functions one message passes, and one cold start.

Functions and modules are counted beside their targets, and every call from a lower layer up to a
higher one is shown. It traces the plugin of this checkout, in-process, on the benchmark's
simulated homeserver; it must not change anything for its sake.
"""
