"""Write one 0001_initial.py for each app anew. Before 1.0 a changed model changes its first migration."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
JOURNAL = ROOT / "anlan" / "kernel" / "journal" / "migrations" / "0001_initial.py"
GUARD = "        migrations.RunPython(guard.put_up, guard.take_down),\n"


def main() -> int:
    for path in (ROOT / "anlan").rglob("migrations/0*.py"):
        path.unlink()
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "ANLAN_HOME": home, "DJANGO_SETTINGS_MODULE": "anlan.settings"}
        rooms = [path.parent for path in (ROOT / "anlan").rglob("apps.py") if path.parent.name != "made"]
        labels = sorted(room.name for room in rooms if (room / "models.py").exists() or (room / "models").is_dir())
        run = [sys.executable, "-m", "django", "makemigrations", "--skip-checks", *labels]
        subprocess.run(run, cwd=ROOT, env=env, check=True)
    guard_the_journal()
    return 0


def guard_the_journal() -> None:
    """The journal's first migration also puts up the triggers that make it append-only."""
    text = JOURNAL.read_text(encoding="utf-8").rstrip()
    text = text.replace("from django.db import migrations, models\n", "from django.db import migrations, models\n\nfrom anlan.kernel.journal import guard\n", 1)
    JOURNAL.write_text(text[: text.rindex("]")].rstrip() + "\n" + GUARD + "    ]\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
