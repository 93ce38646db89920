"""One POST over one connection. What goes wrong says whether the far end can have heard it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from smtplib import SMTPException
from threading import Timer
from urllib.parse import urlsplit

from . import Down, Unsure

MOST = 64_000
PATIENCE = 3
"""So many timeouts may one whole exchange take: a line that drips a byte now and then holds up every other call."""


def post(address: str, body: bytes, headers: dict[str, str], timeout_s: float) -> tuple[int, bytes]:
    """Status and body of the answer. Raises Down when nothing was handed over, Unsure when the line broke later."""
    url = urlsplit(address)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    line = kind(url.hostname or "", url.port, timeout=timeout_s)
    try:
        line.connect()
    except OSError as fault:
        line.close()
        raise Down(f"网关不通:{why(fault)}") from fault
    try:
        with _at_most(line, PATIENCE * timeout_s):
            line.request("POST", (url.path or "/") + (f"?{url.query}" if url.query else ""), body, headers)
            answer = line.getresponse()
            return answer.status, answer.read(MOST)
    except (OSError, HTTPException) as fault:
        raise Unsure(f"发送中断({why(fault)}),结果不明,未重发") from fault
    finally:
        line.close()


@contextmanager
def _at_most(line: HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the line when its time is over."""
    wire = line.sock  # an answer that ends the line takes it from the connection

    def cut() -> None:
        with suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def why(fault: BaseException) -> str:
    """A broken line in words, without anything that was sent over it."""
    if isinstance(fault, TimeoutError):
        return "超时"
    if isinstance(fault, ConnectionRefusedError):
        return "拒绝连接"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return "对方证书不可信"
    if isinstance(fault, ssl.SSLError):
        return "加密连接失败"
    if isinstance(fault, socket.gaierror):
        return "主机名无法解析"
    if isinstance(fault, ConnectionError | HTTPException | SMTPException):
        return "连接被对方中断"
    return "连接失败"
