"""``python -m facezoo``."""

import sys

from facezoo.cli.main import main

sys.exit(main())
