"""Real messages may be read here and may not be kept here: their tests are there where ANLAN_TEST_HAZARDS names their folder."""

import os

collect_ignore = [] if os.environ.get("ANLAN_TEST_HAZARDS") else ["test_cap_real.py"]
