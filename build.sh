#!/usr/bin/env bash
# Builds, checks, tests and shows Spacekeeper. Needs Python 3.10 or newer with venv, and
# nothing else: every sub-command makes the environments that it uses under .venv/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONUTF8=1

usage() {
    cat <<'TEXT'
usage: ./build.sh [command]
  build           dist/chat.spacekeeper-v<version>.mbp, the same bytes on every run (the default);
                  the first run downloads the library that goes into it into .venv/wheels
  test            check, unit tests, and the tests against a real Synapse and a real maubot
  test unit|e2e   one part of the tests; further arguments go to pytest
  test slow       the tests that take minutes: long outages, an old Synapse, real limits, load
  test nightly    the properties of all plans, with 5,000 random worlds each
  check           ruff, mypy --strict and the import contracts
  demo [--once]   the whole job on a local stack; stays up unless --once is given
  dev             a local stack that stays up; a saved file is built and uploaded at once
  bench [--quick] how fast a start is, on a real Synapse and on a simulated large one
  bench messages  how fast messages are answered, beside a bare echo plugin, and how soon an
                  answer is seen while it is written; [--quick]
  kills           kills maubot a thousand times under six people who write in twelve chats;
                  [--number N] [--database sqlite|postgres] [--seed N]
  fuzz            feeds hostile inputs to whatever reads what others wrote, led by coverage;
                  [--seconds N] for each target, [TARGET ...]
  trace           which functions one message passes, and one cold start, and calls between layers
  clean           removes whatever this script made
TEXT
}

fail() {
    echo "build.sh: $1" >&2
    exit 1
}

# The interpreter that packs the plugin and makes the environments.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            python=$name
            return
        fi
    done
    fail "Python 3.10 or newer is needed and was not found; PYTHON=/path/to/python3 names one."
}

# prepare NAME...: the named environments exist and hold what pyproject.toml pins.
prepare() {
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "Python's venv module is missing (on Debian and Ubuntu: apt install python3-venv)."
    "$python" -m dev.environments "$@"
}

check() {
    local venv=.venv/test/bin/python
    "$venv" -m ruff check .
    "$venv" -m ruff format --check .
    "$venv" -m mypy
    "$venv" -c 'from importlinter.cli import lint_imports_command as run; run()'
}

unit() {
    .venv/test/bin/python -m pytest --ignore=tests/e2e -n auto "$@"
}

e2e() {
    .venv/test/bin/python -m pytest tests/e2e -m "not slow" -n 3 --dist loadfile --no-loadscope-reorder "$@"
}

test_all() {
    if [ "${1:-}" = unit ]; then
        prepare test
        unit "${@:2}"
    elif [ "${1:-}" = e2e ]; then
        prepare test synapse maubot llmock
        e2e "${@:2}"
    elif [ "${1:-}" = slow ]; then
        prepare test synapse synapse-1-98 maubot llmock litellm sdks
        .venv/test/bin/python -m pytest tests/e2e -m slow -n 3 --dist loadfile --no-loadscope-reorder "${@:2}"
    elif [ "${1:-}" = nightly ]; then
        prepare test
        HYPOTHESIS_PROFILE=nightly .venv/test/bin/python -m pytest tests/planner tests/topology tests/stories/test_stateful.py -n auto "${@:2}"
    else
        prepare test synapse maubot llmock
        check
        unit "$@"
        e2e "$@"
    fi
}

clean() {
    rm -rf dist .venv .stack .bench .fuzz .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
    find plugin dev tests -name __pycache__ -type d -prune -exec rm -rf {} +
}

command=${1:-build}
[ $# -eq 0 ] || shift
find_python
case $command in
    build) "$python" -m dev.pack ;;
    test) test_all "$@" ;;
    check) prepare test && check ;;
    demo) prepare test synapse maubot && exec .venv/test/bin/python -m dev.demo "$@" ;;
    dev) prepare test synapse maubot llmock && exec .venv/test/bin/python -m dev.watch "$@" ;;
    bench) prepare bench synapse maubot && exec .venv/bench/bin/python -m dev.bench "$@" ;;
    kills) prepare test synapse maubot && exec .venv/test/bin/python -m dev.kills "$@" ;;
    fuzz) prepare fuzz && exec .venv/fuzz/bin/python -m dev.fuzz "$@" ;;
    trace) prepare test && exec .venv/test/bin/python -m dev.trace ;;
    clean) clean ;;
    help | -h | --help) usage ;;
    *)
        usage >&2
        fail "there is no command $command."
        ;;
esac
