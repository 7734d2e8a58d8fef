#!/usr/bin/env python
"""Run a management command; those that change tables do so as their owner, where one is named."""

import os
import sys

from django.core.management import execute_from_command_line

# The web role may neither make tables nor take rows out of the audit trail.
OWNER_COMMANDS = (["migrate"], ["flush"], ["audit", "archive"])


def become_owner() -> None:
    """Let DATABASE_OWNER_URL (or its _FILE) stand for DATABASE_URL in this process."""
    for ending in ("", "_FILE"):
        if owner := os.environ.get(f"DATABASE_OWNER_URL{ending}"):
            for name in ("DATABASE_URL", "DATABASE_URL_FILE"):
                os.environ.pop(name, None)
            os.environ[f"DATABASE_URL{ending}"] = owner
            return


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emailsec.settings")
    if any(sys.argv[1 : 1 + len(words)] == words for words in OWNER_COMMANDS):
        become_owner()
    execute_from_command_line(sys.argv)
