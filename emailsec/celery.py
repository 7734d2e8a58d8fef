"""The Celery application; tasks are found in the `tasks` module of each app."""

import os

from celery import Celery

from emailsec.lib import filebroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emailsec.settings")

filebroker.install()
app = Celery("emailsec")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
