"""`./build.sh fuzz`: hostile inputs for whatever reads what others wrote, guided by coverage.

`targets` lists what is fuzzed, `mutation` makes inputs, `worker` runs one target under atheris,
`findings` keeps what an input broke. The unit tests run the same targets without atheris.
"""
