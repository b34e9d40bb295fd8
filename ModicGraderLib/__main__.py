"""`python -m ModicGraderLib` is `modicgrader`."""

import sys

from .cli import main

sys.exit(main())
