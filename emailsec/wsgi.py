import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emailsec.settings")

application = get_wsgi_application()
# Django would load the pages only at the first request, in each process anew.
import_module(settings.ROOT_URLCONF)
# What is loaded stays: forked processes go on sharing it, and ending one does not search it for
# garbage, which takes seconds on a busy machine.
gc.freeze()
