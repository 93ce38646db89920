"""What the command line says is so."""

import os
import subprocess
import sys


def setup(home, demo: str) -> str:
    env = {**os.environ, "ANLAN_HOME": str(home), "ANLAN_DEMO": demo}
    run = [sys.executable, "-m", "anlan.cli", "setup"]
    return subprocess.run(run, env=env, check=True, capture_output=True, text=True, timeout=120).stdout


def test_an_empty_city_says_that_nobody_can_sign_in(tmp_path):
    said = setup(tmp_path, "0")
    assert "不能登录" in said and "演示城市" not in said


def test_passwords_are_printed_once(tmp_path):
    assert "duty_officer" in setup(tmp_path, "1")
    assert setup(tmp_path, "1") == ""
