"""A local host of archives: it serves byte ranges as real ones do, and fails as they do."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """``ranges`` keeps what was asked for; names of files and folders say how they fail.

    ``short…`` breaks off, ``page…`` calls itself HTML, and a file in ``stalled/`` stops in the
    middle until ``resumed`` is set.
    """

    ranges: list = []  # noqa: RUF012 -- shared on purpose
    resumed = threading.Event()

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        start = self.headers["Range"]
        self.ranges.append(start)
        begin = int(re.fullmatch(r"bytes=(\d+)-", start)[1]) if start else 0
        if begin >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        stated = len(data) - begin + (1000 if path.name.startswith("short") else 0)
        self.send_header("Content-Length", str(stated))
        if path.name.startswith("page"):
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if path.parent.name == "stalled" and not self.resumed.is_set():
            self.wfile.write(data[: len(data) // 2])
            self.resumed.wait()
            return
        self.wfile.write(data[begin:])

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    """A running server of a new ``folder``; ``url`` is its address."""
    folder.mkdir()
    RangeHandler.ranges.clear()
    RangeHandler.resumed.clear()
    handler = functools.partial(RangeHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        running.folder = folder
        running.url = f"http://127.0.0.1:{running.server_port}"
        yield running
        RangeHandler.resumed.set()
        running.shutdown()
