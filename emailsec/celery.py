"""The Celery application; tasks are found in the `tasks` module of each app."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from emailsec.lib import filebroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emailsec.settings")

filebroker.install()


@setup_logging.connect
def log_as_the_portal_does(**_kwargs: Any) -> None:
    """Celery would put its own format in place of ours, which strikes out secrets."""
    dictConfig(settings.LOGGING)


app = Celery("emailsec")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
