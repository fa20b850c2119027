"""Front door of the self-test, which is the host's: ``python -m host.selftest``.

It is called as a program because nothing here may import the host.
"""

import subprocess
import sys


def main(arguments) -> int:
    """Run the self-test; return its exit status."""
    try:
        command = [sys.executable, "-m", "host.selftest", *arguments]
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130
