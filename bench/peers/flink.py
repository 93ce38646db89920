"""Apache Flink, if it is on the machine: its jars in a folder that ANLAN_PEER_FLINK names, Java and its compiler on the PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

MISSING = (
    "Flink is not compared: ANLAN_PEER_FLINK names no folder with its jars"
    " (pip download apache-flink-libraries --no-deps, unpack the wheel, take pyflink/lib)"
)
NO_JAVA = "Flink is not compared: java and javac are not on the PATH (Debian: apt install openjdk-17-jdk-headless)"
JOB = Path(__file__).with_name("FlinkRules.java")
OPENED = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("util", "lang")]
"""What Flink asks for under Java 17."""


def missing() -> str:
    """Why it cannot be measured here; empty when it can."""
    if not _jars():
        return MISSING
    return "" if shutil.which("java") and shutil.which("javac") else NO_JAVA


def version() -> str:
    return next(jar.stem.removeprefix("flink-dist-") for jar in _jars() if jar.name.startswith("flink-dist"))


def _jars() -> list[Path]:
    folder = os.environ.get("ANLAN_PEER_FLINK", "")
    found = sorted(Path(folder).glob("*.jar")) if folder else []
    return [jar for jar in found if jar.name.startswith(("flink-dist", "flink-connector-files", "log4j"))] if _whole(found) else []


def _whole(found: list[Path]) -> bool:
    return all(any(jar.name.startswith(name) for jar in found) for name in ("flink-dist", "flink-connector-files"))


def job(box: Path) -> list[str]:
    """The compiled job's command, up to its arguments."""
    box.mkdir(parents=True)
    path = ":".join(map(str, _jars()))
    subprocess.run(["javac", "-nowarn", "-cp", path, "-d", str(box), str(JOB)], check=True, capture_output=True)
    return ["java", "-Xmx3g", f"-Djava.io.tmpdir={box}", *OPENED, "-cp", f"{box}:{path}", "FlinkRules"]
