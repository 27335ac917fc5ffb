"""`./build.sh bench`: how fast a start is, on a real Synapse and on one a thousand times larger.

Figures are printed and saved, never asserted: no test may depend on how fast a machine is. It
measures the plugin of this checkout, run in-process; it must not change anything for its sake.
"""
