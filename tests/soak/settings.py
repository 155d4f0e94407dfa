"""Settings of worker processes under fault tests: the suite's, with the faults of `tests.soak.faults` built in."""

from tests.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.soak.faults.Faults"]
