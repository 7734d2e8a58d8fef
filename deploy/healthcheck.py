"""Container health: the portal answers its log-in page for the host name that it serves."""

import http.client
import os
import sys

host = os.environ["ALLOWED_HOSTS"].split(",")[0]
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
# As the reverse proxy would ask; without the header the answer is only a redirect to https.
connection.request("GET", "/accounts/login/", headers={"Host": host, "X-Forwarded-Proto": "https"})
sys.exit(connection.getresponse().status != http.client.OK)
