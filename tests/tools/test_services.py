"""PostgreSQL and Redis of the suite."""

import re
import socket

import pytest

from tests.tools.common import eventually
from tools import services


def test_the_suite_gets_a_database_name_of_its_own() -> None:
    url = services.with_name("postgresql://u:p%40x@db:5432/portal?sslmode=require", services.NAME)
    assert url == f"postgresql://u:p%40x@db:5432/{services.NAME}?sslmode=require"
    assert re.fullmatch(r"emailsec_[0-9a-f]{8}", services.NAME)


@pytest.mark.slow
def test_own_redis_starts_empty_and_leaves_nothing() -> None:
    if services.shutil.which("redis-server") is None:
        pytest.skip("no redis-server")
    with services.own_redis() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        assert services.empty_redis_index(port) == 15
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"SELECT 15\r\nSET somebody here\r\n")
            assert connection.recv(100).startswith(b"+OK")
        assert eventually(lambda: services.empty_redis_index(port) == 14, 2)
    assert not services.listening(port)
