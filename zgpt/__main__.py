"""`python -m zgpt …` is `zgpt …`."""

import sys

from zgpt.cli import main

sys.exit(main())
