"""The embedded broker never shows a worker half a message."""

import threading
from queue import Empty

from celery import Celery

from emailsec.lib import filebroker


def channel(tmp_path):
    filebroker.install()
    app = Celery("test", broker="filesystem://")
    folder = str(tmp_path)
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
    }
    return app.connection_for_write().default_channel


def test_messages_written_while_others_are_read_all_arrive_whole(tmp_path):
    writer, reader = channel(tmp_path), channel(tmp_path)
    assert isinstance(writer, filebroker.Channel)
    count, got = 300, []
    text = "体" * 20000

    def write() -> None:
        for number in range(count):
            writer._put("queue", {"number": number, "text": text})

    thread = threading.Thread(target=write)
    thread.start()

    while len(got) < count:
        try:
            got.append(reader._get("queue")["number"])
        except Empty:
            if not thread.is_alive() and not list(tmp_path.glob("*.msg")):
                break
    thread.join()
    assert sorted(got) == list(range(count))
