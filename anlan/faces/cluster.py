"""Commands of the cluster: one of its workers, and a whole one on this machine to try and to test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path

from django.conf import settings
from django.db import connection

from anlan.kernel.cases.flow import Refused
from anlan.sensing.parts import apart

NODES = 3
BETWEEN, DEVICES = 2000, 4000
"""What lies between the port of a node for this house and the ones for its like and for what speaks MQTT."""
CLUSTER = "cluster {{ name: anlan, listen: 127.0.0.1:{inner}, routes: [{routes}] }}"
"""One node alone is no cluster: it would wait for others."""
CORES = "GOMAXPROCS"
"""Each node on one machine takes its share of the cores: a node that takes all of them looks for work on each, a sixth more time."""
START_S = 20.0
END_S = 10.0
LARGEST = 8 * 1024 * 1024
AGAIN_S = 1.0
CONFIG = """server_name: {name}
listen: 127.0.0.1:{port}
max_payload: {largest}
jetstream {{ store_dir: "{folder}", max_file_store: 30GB, sync_interval: always }}
{cluster}
# What devices publish stays in an account of its own: it reaches the readings through a gateway's line alone.
accounts {{
  house: {{ jetstream: enabled, users: [{{ user: house, password: "{secret}", allowed_connection_types: [STANDARD] }}] }}
  devices: {{ jetstream: enabled, users: [{{ user: device, password: "{secret}", allowed_connection_types: [MQTT] }}] }}
}}
# Without a password because only this machine is listened to: elsewhere take both lines of no_auth_user out.
no_auth_user: house
mqtt {{
  listen: 127.0.0.1:{devices}
  stream_replicas: {replicas}
  no_auth_user: device
}}
"""


def sense(args: Namespace) -> int:
    """One worker, until it is told to end."""
    ready()
    from anlan.sensing.cluster.worker import Taken, Worker

    worker = Worker(args.worker or f"{socket.gethostname()}-{os.getpid()}")
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: worker.stop.set())
    print(f"判定进程 {worker.name}", flush=True)
    try:
        asyncio.run(worker.run())
    except Taken:
        print(f"名为 {worker.name} 的判定进程已在运行,请换一个 --worker 名称", file=sys.stderr)
        return 2
    return 0


def ready() -> None:
    """Refuse what is no cluster."""
    if not apart():
        raise Refused("没有设置 ANLAN_BUS(消息总线地址,例如 nats://10.0.0.1:4222,nats://10.0.0.2:4222,nats://10.0.0.3:4222)")
    if connection.vendor != "postgresql":
        raise Refused("多进程判定需要 PostgreSQL:请设置 ANLAN_DB=postgresql://用户:口令@主机/库名")


def server() -> str:
    """Where the program nats-server is."""
    beside = Path(sys.executable).with_name("nats-server")
    if found := str(beside) if beside.exists() else shutil.which("nats-server"):
        return found
    raise Refused("没有找到 nats-server;make install-dev 会装上它")


class Node:
    """One NATS server on this machine."""

    def __init__(self, folder: Path, ports: list[int], number: int) -> None:
        self.name, self.port, self.devices = f"n{number + 1}", ports[number], ports[number] + DEVICES
        self.home = folder / self.name
        self.home.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f"nats://127.0.0.1:{port + BETWEEN}" for port in ports)
        told = CONFIG.format(
            name=self.name, port=self.port, devices=self.devices, folder=self.home, largest=LARGEST, replicas=len(ports),
            cluster=CLUSTER.format(inner=self.port + BETWEEN, routes=routes) if len(ports) > 1 else "", secret=secrets.token_hex(16),
        )  # fmt: skip
        (folder / f"{self.name}.conf").write_text(told)
        self.words = [server(), "-c", str(folder / f"{self.name}.conf")]
        self.log = folder / f"{self.name}.log"
        self.given = {**os.environ, CORES: os.environ.get(CORES) or str(max(1, (os.cpu_count() or 1) // len(ports)))}
        self.process = self.begin()

    def begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.words, stdout=out, stderr=out, start_new_session=True, env=self.given)
        return self.process

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(END_S)


def nodes(folder: Path, ports: list[int]) -> list[Node]:
    """Start a NATS server on each of the ports and wait until together they can hold a stream."""
    for port in [each for base in ports for each in (base, base + BETWEEN, base + DEVICES)]:
        with contextlib.closing(socket.socket()) as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                raise Refused(f"端口 {port} 已被占用;--bus-port 可另选")
    begun = [Node(folder, ports, number) for number in range(len(ports))]
    try:
        asyncio.run(_together([node.address for node in begun]))
    except BaseException:
        for node in begun:
            node.end()
        raise
    return begun


async def _together(addresses: list[str]) -> None:
    import nats
    from nats.errors import Error

    until = time.monotonic() + START_S
    while True:
        try:
            line = await nats.connect(addresses, connect_timeout=1, allow_reconnect=False, error_cb=_silent)
            try:
                await line.jetstream(timeout=1).account_info()
                return
            finally:
                await line.close()
        except (Error, OSError, TimeoutError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


async def _silent(fault: Exception) -> None:
    """A node that has not opened its port yet is asked again."""


def cluster(args: Namespace) -> int:
    """Three nodes; with PostgreSQL workers and pages too. What dies is begun again."""
    folder = settings.HOME / "cluster"
    begun = nodes(folder, [args.bus_port + n for n in range(NODES)])
    told = ",".join(node.address for node in begun)
    print(f"消息总线:ANLAN_BUS={told}", flush=True)
    print(f"设备的 MQTT 接入:{','.join(f'mqtt://127.0.0.1:{node.devices}' for node in begun)}", flush=True)
    others: list[Beside] = []
    stop = threading.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        signal.signal(word, lambda *_: stop.set())
    try:
        if connection.vendor == "postgresql":
            others = _others(args, {**os.environ, "ANLAN_BUS": told})
        else:
            print("没有设置 ANLAN_DB=postgresql://…,只启动消息总线;判定进程与页面需要 PostgreSQL", flush=True)
        _watch([*begun, *others], stop)
    finally:
        for one in [*others, *begun]:
            one.end()
    return 0


class Beside:
    """A process of this house beside the nodes."""

    def __init__(self, name: str, words: list[str], env: dict[str, str]) -> None:
        self.name, self.words, self.env = name, [sys.executable, "-m", "anlan.cli", *words], env
        self.process = self.begin()

    def begin(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(self.words, env=self.env, start_new_session=True)
        return self.process

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _others(args: Namespace, env: dict[str, str]) -> list[Beside]:
    from .commands import setup

    setup()
    workers = [Beside(f"w{n + 1}", ["sense", "--worker", f"w{n + 1}"], env) for n in range(args.workers)]
    return [*workers, Beside("pages", ["run"], env)]


def _watch(all_of_them: list[Node | Beside], stop: threading.Event) -> None:
    for one in all_of_them:
        print(f"  {one.name}: {one.process.pid}", flush=True)
    while not stop.wait(AGAIN_S):
        for one in all_of_them:
            if (code := one.process.poll()) is not None:
                print(f"  {one.name}: {code},{one.begin().pid}", flush=True)
