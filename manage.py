#!/usr/bin/env python
"""Run an administrative command of Zhibu."""

import os
import sys

from django.core.management import execute_from_command_line

# These serve people all day and come into the database as the web role; the others are run by whoever owns it.
SERVING = {"worker", "render", "render_server", "runserver"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["ZHIBU_DATABASE_ROLE"] = "web" if SERVING.intersection(sys.argv[1:2]) else "owner"
    execute_from_command_line(sys.argv)
