"""Nothing that the tests start may talk to another machine: a try is refused and written down."""

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

RECORD = "ANLAN_TEST_OUTBOUND"
WATCHED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}


def is_near(host: Any) -> bool:
    """This machine itself: loopback, or the wildcard that a listener names."""
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _target(event: str, args: tuple[Any, ...]) -> Any:
    if event == "socket.getaddrinfo":
        return args[0]
    near, address = args[0], args[1]
    reaches_out = near.family in (socket.AF_INET, socket.AF_INET6) and address is not None
    return address[0] if reaches_out else None


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event not in WATCHED:
        return
    target = _target(event, args)
    if is_near(target):
        return
    with open(os.environ[RECORD], "a") as out:
        out.write(f"{event} {target} by {' '.join(sys.argv[:3])}\n")
    raise AssertionError(f"outbound connection to {target} ({event}): nothing may leave this machine")


def watch() -> None:
    """Guard this process from now on. The variable RECORD names the file of the tries."""
    sys.addaudithook(_refuse)


def tries() -> list[str]:
    path = Path(os.environ[RECORD])
    return path.read_text().splitlines() if path.exists() else []
