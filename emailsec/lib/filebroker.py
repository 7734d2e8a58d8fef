"""The embedded default's broker: kombu's file-system transport with messages that appear whole.

kombu creates a message's file and then writes it; a worker that polls in between moves an empty
file away, fails on it and ends. Here a message gets its name only once it is complete.
"""

import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Add a message to `queue` by renaming a finished file, which is atomic."""
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        # `_get` takes only names that end in the queue's name, so that it never sees this one.
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(dumps(message).encode())
        unfinished.replace(folder / name)


class Transport(filesystem.Transport):
    Channel = Channel


def install() -> None:
    """Let the scheme filesystem:// mean this transport in the present process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
