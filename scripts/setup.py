"""The entry of every set-up: finds a Python that is new enough and hands over to provision.py.

Kept in the words of old Pythons, so that a too old one can still say what is wrong.
"""

import os
import shutil
import sys

OLDEST = (3, 11)
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14")


def main():  # type: () -> int
    """Run the steps of ``setup.py run`` or ``setup.py test``; returns the exit status."""
    if sys.version_info < OLDEST:
        for name in CANDIDATES:
            found = shutil.which(name)
            if found:
                os.execv(found, [found, *sys.argv])  # nosec B606 # a Python of this machine, our own arguments
        print(
            "Z-GPT needs Python 3.11 or newer, and this is {}.{}.\n"
            "Install one, or name it: make run PYTHON=/path/to/python3".format(*sys.version_info[:2])
        )
        return 1
    from provision import provision

    return provision(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
