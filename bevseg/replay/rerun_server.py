"""Rerun's viewer on this machine alone: in a window, or as a page for a browser.

Its program listens on the loopback interface, with its usage statistics off. The page that it serves asks other hosts
for fonts, examples and statistics all the same, so it is handed on with a policy that forbids the browser to do so.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler
from urllib.parse import quote

HOST = "127.0.0.1"
_PAGE_PORT = 9090
"""Rerun's own; another where it is taken."""
_MEMORY_SHARE = "40%"
"""Of the machine's: beyond it the oldest frames are dropped."""
_START_S = 60.0
_LINK_ELSEWHERE = re.compile(rb"<link\b[^>]*https://[^>]*>")


class ViewerError(OSError):
    """The viewer does not start."""


@dataclass(frozen=True)
class Viewer:
    """A viewer that runs.

    Attributes:
        process: Of Rerun's program.
        data_url: Where a stream connects to.
        page_url: What to open in a browser; empty where the viewer is a window.
    """

    process: subprocess.Popen[bytes]
    data_url: str
    page_url: str = ""


@contextmanager
def open_viewer(*, in_window: bool) -> Iterator[Viewer]:
    """Runs the viewer until the `with` block ends.

    Args:
        in_window: Whether it opens a window; else it serves a page.

    Raises:
        ModuleNotFoundError: Rerun is not installed.
        ViewerError: It does not start.
    """
    program = _program()
    data_port, page_port = free_ports(2)
    options = ["--bind", HOST, "--port", str(data_port), "--memory-limit", _MEMORY_SHARE, "--hide-welcome-screen"]
    if not in_window:
        options += ["--serve-web", "--web-viewer-port", str(page_port), "--server-memory-limit", _MEMORY_SHARE]
    with tempfile.TemporaryDirectory(prefix="bevseg-rerun-") as folder:
        environment = os.environ | {"XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        _run(program, "analytics", "disable", environment=environment)
        log = Path(folder) / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen([program, *options], env=environment, stdout=sink, stderr=sink)
        data_url = f"rerun+http://{HOST}:{data_port}/proxy"
        try:
            for port in (data_port,) if in_window else (data_port, page_port):
                _wait_for(port, process, log)
            if in_window:
                yield Viewer(process, data_url)
            else:
                with _guarded_page(page_port, data_port) as port:
                    yield Viewer(process, data_url, f"http://{HOST}:{port}/?url={quote(data_url, safe='')}")
        finally:
            _stop(process)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, no two alike.

    The system deals them out at random. Rerun's program gives no word when its own usual one is taken meanwhile: of two
    viewers that started at once, both would have found that one free, and both recordings would go to one of them.
    """
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in sockets]


def page_policy(data_port: int) -> str:
    """The Content-Security-Policy of the page: it may talk to this machine, and to nobody else."""
    return (
        "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
        f"style-src 'self' 'unsafe-inline'; connect-src 'self' http://{HOST}:{data_port}"
    )


def without_other_hosts(page: bytes) -> bytes:
    """HTML without the links at its head that a browser would follow to other hosts, policy or not."""
    return _LINK_ELSEWHERE.sub(b"", page)


@contextmanager
def _guarded_page(page_port: int, data_port: int) -> Iterator[int]:
    """The port on which the page of another port is served with its policy."""
    with page_server(partial(_GuardedPage, page_port, page_policy(data_port))) as server:
        thread = threading.Thread(target=server.serve_forever, name="rerun-page", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def page_server(handler: Callable[..., BaseRequestHandler]) -> ThreadingHTTPServer:
    """A server on Rerun's port of pages, or on any other where that is taken."""
    try:
        return ThreadingHTTPServer((HOST, _PAGE_PORT), handler)
    except OSError:
        return ThreadingHTTPServer((HOST, 0), handler)


class _GuardedPage(BaseHTTPRequestHandler):
    """Hands on what the viewer's own server answers, with a policy."""

    def __init__(self, upstream_port: int, policy: str, *args: object) -> None:
        self._upstream_port, self._policy = upstream_port, policy
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """One file of the page."""
        upstream = http.client.HTTPConnection(HOST, self._upstream_port, timeout=_START_S)
        upstream.request("GET", self.path)
        answer = upstream.getresponse()
        body = (
            without_other_hosts(answer.read()) if self.path.partition("?")[0] in ("/", "/index.html") else answer.read()
        )
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type") or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self._policy)
        self.end_headers()
        self.wfile.write(body)
        upstream.close()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the terminal is for the replay."""


def _program() -> str:
    """The viewer, which comes with the package."""
    found = importlib.util.find_spec("rerun_cli")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'rerun'", name="rerun")
    name = "rerun.exe" if sys.platform == "win32" else "rerun"
    return str(Path(found.origin).with_name(name))


def _run(program: str, *arguments: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run([program, *arguments], env=dict(environment), capture_output=True, check=False)
    if done.returncode:
        raise ViewerError(f"'{program} {' '.join(arguments)}' failed: {done.stderr.decode(errors='replace').strip()}")


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    said = " ".join(log.read_text(errors="replace").split())[-400:]
    raise ViewerError(f"Rerun's viewer does not start on this machine: {said or 'it says nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
