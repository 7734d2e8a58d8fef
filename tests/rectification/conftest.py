import pytest
from django.urls import reverse


class Person:
    """A logged-in browser: `get` and `post` by the name of a page of this room."""

    def __init__(self, client, user):
        self.client, self.user = client, user

    def _log_in(self):
        # Anew for each request: a session does not outlive the days that a test travels.
        backend = "django.contrib.auth.backends.ModelBackend"
        self.client.force_login(self.user, backend=backend)

    def get(self, name, *args, **query):
        self._log_in()
        return self.client.get(reverse(f"rectification:{name}", args=args), query)

    def post(self, name, *args, follow=True, **data):
        self._log_in()
        url = reverse(f"rectification:{name}", args=args)
        return self.client.post(url, data, follow=follow)

    def text(self, name, *args, **query):
        """What a page says."""
        return self.get(name, *args, **query).content.decode()

    def said(self, name, *args, **data):
        """What the page after a POST says."""
        return self.post(name, *args, **data).content.decode()


@pytest.fixture
def people(client):
    """people(user) → the same Person for the same user."""
    known = {}

    def person(user):
        if user.pk not in known:
            known[user.pk] = Person(type(client)(), user)
        return known[user.pk]

    return person
