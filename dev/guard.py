"""Stands between the stack and each of its children, so that none can outlive it.

Started as a process of its own with the child's command as its arguments. Its standard input
is a pipe that only the stack holds open: when the stack is gone, however it went (a kill -9,
too), the pipe ends, and the guard ends the child. Must import nothing but the standard library.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time


def _outlive_nobody(child: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    child.terminate()
    time.sleep(5)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the command in the arguments to its end; give its exit code."""
    # The whole group is asked to end; the child decides when, and the guard goes after it. Not
    # SIG_IGN, which the child would inherit.
    signal.signal(signal.SIGTERM, lambda *_: None)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_outlive_nobody, args=(child,), daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    code = main()
    # Not sys.exit: the thread sits in a read of standard input, which a regular exit waits for.
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)
