"""What each word of the command line does."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import orjson
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from anlan import __version__
from anlan.disaster.flood import replay as muifa
from anlan.kernel import journal
from anlan.kernel.cases.flow import Refused
from anlan.kernel.clock import beats, due, loop, real
from anlan.kernel.clock.lease import HOLDER
from anlan.kernel.designs import forms as designs
from anlan.kernel.forms import tables
from anlan.kernel.journal import seals
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import ROLES
from anlan.kernel.worlds.models import ACTUAL, World
from anlan.sensing import network as network_state
from anlan.sensing.models import Bearer, Gateway, Reader

from . import replays
from .beside import Beside
from .keepers import first, tokens

log = logging.getLogger(__name__)


NEXT = """
已建立空库,还没有账户。下一步:
  1. 三类管理员各一人,口令只显示一次:
     anlan keeper system_keeper 姓名 --login 登录名
     anlan keeper security_keeper 姓名 --login 登录名
     anlan keeper audit_keeper 姓名 --login 登录名
  2. 区划、单位、人员、岗位和任职:
     anlan city template 城市.xlsx
     anlan city import 城市.xlsx --check
     anlan city import 城市.xlsx
  3. anlan run,然后由系统管理员在“账户”页开户,安全管理员在“授权”页授权。
"""


def setup(args: Namespace | None = None) -> int:
    """Make the tables; on first use write the demo city and print its accounts once."""
    call_command("migrate", verbosity=0, interactive=False)
    tables.sync()
    check_tables()
    designs.fresh(now=True)
    if World.objects.filter(pk=ACTUAL).exists():
        return 0
    accounts = plant()
    if not settings.DEMO:
        print(NEXT)
        return 0
    print(f"\n演示城市已建成:{Area.objects.count()} 个区划,数据全部为合成,仅供演示。")
    if accounts:
        print("账户与口令(只显示这一次):")
        for row in accounts:
            print(f"  {row[0]:<18}{row[1]:<24}{row[2]}")
    sys.stdout.flush()
    return 0


def check_tables() -> None:
    """Refuse a database whose tables are not those of this program, before anything is read or written."""
    known = tables.columns()
    for model in apps.get_models():
        there, name = known.get(model._meta.db_table, set()), model._meta.db_table
        if lacking := [f.column for f in model._meta.concrete_fields if f.column not in there]:
            raise Refused(
                f"库里的 {name} 表缺少 {'、'.join(lacking)}:它由较早的版本建成(1.0 以前不升级旧库),或新房间还没有 makemigrations。"
                "请另设 ANLAN_HOME 或 ANLAN_DB,或先做迁移。"
            )


def plant() -> list[tuple[str, str, str]]:
    """Write the demo city, app by app; returns the accounts as (name, password, what it is)."""
    with transaction.atomic():
        world = World.objects.create(pk=ACTUAL, kind=World.Kind.ACTUAL, title="青岛市", name="actual")
        _count_on(World)
        if not settings.DEMO:
            return []
        accounts: list[tuple[str, str, str]] = []
        for config in apps.get_app_configs():
            ours = config.name.startswith("anlan.") or config.name in settings.ROOMS
            if ours and importlib.util.find_spec(f"{config.name}.seed"):
                seed = importlib.import_module(f"{config.name}.seed")
                with scope.everyone(world):
                    accounts += seed.plant() or []
        with scope.everyone(world):
            journal.write("city.seeded", world, text="演示城市建成(合成数据)", wide=True)
    return accounts


def _count_on(model: type[Model]) -> None:
    """After a row with a key of our own, PostgreSQL must be told where to go on counting."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


def run(args: Namespace) -> int:
    """Open the city: pages and live feed here, the clock with the demo replay in a process beside."""
    import uvicorn

    began = time.perf_counter()
    setup()
    if settings.DEMO and not args.no_replay:
        start_replay(args.speed)
    port = args.port or settings.PORT
    print(f"\n安澜 {__version__} 已就绪({time.perf_counter() - began:.1f} 秒):http://{args.host}:{port}/")
    print("按 Ctrl+C 结束;数据在", settings.HOME, flush=True)
    config = uvicorn.Config(
        "anlan.faces.server:app", host=args.host, port=port, log_level="warning", lifespan="on", timeout_graceful_shutdown=2
    )
    clock = Beside()
    clock.start()
    try:
        uvicorn.Server(config).run()
    except KeyboardInterrupt:  # told again by uvicorn when it has ended
        return 0
    finally:
        clock.close()
    return 0


def start_replay(speed: float) -> World:
    """Go on with the newest unfinished replay, paced from now; else begin one."""
    world = World.objects.filter(kind=World.Kind.REPLAY, closed=False).order_by("-pk").first()
    if world is None:
        return muifa.begin(speed=speed)
    if not world.paused:
        world.resume(real())
        world.save(update_fields=["anchor_real", "anchor_world", "paused", "speed"])
    return world


def work(args: Namespace) -> int:
    """Only the clock's loop, for a second process. Beside a parent it ends with it."""
    stop = threading.Event()
    if args.beside:
        threading.Thread(target=_until_alone, args=(stop,), daemon=True).start()
    else:
        print(f"时钟工作进程 {HOLDER}", flush=True)
    try:
        loop.run(stop, _look)
    except KeyboardInterrupt:
        stop.set()
    return 0


WARM_S = 2.0
_warm = {"at": 0.0}


def _look() -> None:
    """What keepers declare meanwhile has terms too, and rules that change are compiled before they are needed."""
    designs.fresh()
    if time.monotonic() - _warm["at"] > WARM_S:
        _warm["at"] = time.monotonic()
        network_state.warm()


def _until_alone(stop: threading.Event) -> None:
    """The pipe from the parent ends when the parent does, however it died."""
    sys.stdin.buffer.read()
    stop.set()
    due.poke()


def replay(args: Namespace) -> int:
    """Run a replay to its end in this process, or open the city with it."""
    if args.name != muifa.NAME:
        print(f"没有名为 {args.name} 的回放;现有:{muifa.NAME}", file=sys.stderr)
        return 2
    if args.speed <= 0:
        print("倍速须大于 0", file=sys.stderr)
        return 2
    try:
        last = timezone.make_aware(datetime.fromisoformat(args.until)) if args.until else None
    except ValueError:
        print(f"时刻“{args.until}”无法识别,应写作 2022-09-14 22:00", file=sys.stderr)
        return 2
    if not args.headless:
        return run(Namespace(host="127.0.0.1", port=None, no_replay=False, speed=args.speed))
    logging.getLogger().setLevel(logging.ERROR)
    with_accounts = sys.stdout
    sys.stdout = sys.stderr
    setup()
    sys.stdout = with_accounts
    world = _resumed(args) if args.resume else muifa.begin(speed=args.speed, seed=args.seed)
    if world is None:
        print(f"没有编号为 {args.resume} 的回放可以接着推进", file=sys.stderr)
        return 2
    print(f"世界 {world.pk}", file=sys.stderr, flush=True)
    _drive(world, last)
    ended = World.objects.get(pk=world.pk)
    result = replays.report(ended)
    print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() if args.json else replays.words(result, ended))
    return 0


def _resumed(args: Namespace) -> World | None:
    world = World.objects.filter(pk=args.resume, kind=World.Kind.REPLAY).first()
    if world is None:
        return None
    world.resume(real(), args.speed)
    world.save(update_fields=["anchor_real", "anchor_world", "paused", "speed"])
    return world


def _drive(world: World, last: datetime | None = None) -> None:
    """Advance a replay until it is closed, or until no row before ``last`` is left."""
    while not world.closed:
        if not loop.drives(world):
            time.sleep(0.5)
            world.refresh_from_db()
            continue
        if not loop.advance(world, time.monotonic() + 5, last):
            if last and (due.next_at(world) or last) > last:
                return
            loop.finish(world)
            time.sleep(0.005)
        world.refresh_from_db()


def health(args: Namespace) -> int:
    found = {"version": __version__, **beats.health()}
    if args.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"状态 {found['status']}")
        for name, row in found["beats"].items():
            print(f"  {'正常' if row['ok'] else '异常'}  {name:<20}{row['last'] or '—'}  {row['detail']}")
    return 0 if found["status"] != "down" else 1


def journal_(args: Namespace) -> int:
    found = seals.verify() if args.action == "verify" else seals.head()
    if args.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif args.action == "head":
        print("最新封条", found)
    elif found["ok"]:
        print(f"日志完好,共 {found['lines']} 行")
    else:
        print(f"日志自第 {found['first_broken']} 行起不可信:{found['fault']}")
    return 0 if found.get("ok", True) else 1


def gateway(args: Namespace) -> int:
    """Senders of readings."""
    return _bearer(args, Gateway, lambda: tokens.check_gateway(args.name))


def reader(args: Namespace) -> int:
    """Machines that read what was sent."""
    return _bearer(args, Reader, lambda: tokens.check_reader(args.name, args.account, args.area))


def _bearer(args: Namespace, kind: type[Bearer], new: Callable[[], Bearer]) -> int:
    """Register one and print its token once, change the token, close it or open it again."""
    _check_stands()
    if not Area.objects.filter(code=scope.ROOT).exists():
        raise Refused("还没有区划。请先用 anlan keeper 设立管理员。")
    with _here():
        if args.action == "add":
            print(tokens.do_make(new()))
            return 0
        bearer = kind.objects.filter(name=args.name).first()
        if bearer is None:
            raise Refused(f"没有{kind._meta.verbose_name} {args.name}。")
        if args.action == "rotate":
            tokens.check_act(bearer)
            print(tokens.do_rotate(bearer))
        else:
            tokens.check_act(bearer, args.action == "restore")
            tokens.do_switch(bearer, args.action == "restore")
    return 0


def keeper(args: Namespace) -> int:
    """The first holder of a keeper's role; prints the password once."""
    _check_stands()
    clear = first.appoint(args.role, args.name, args.login, args.city, args.unit)
    print(f"{ROLES[args.role].label} {args.name},账户 {args.login},口令(只显示这一次):")
    print(clear)
    print("首次登录须修改口令" + (",并绑定动态口令。" if settings.TOTP == "required" else "。"))
    return 0


def city_(args: Namespace) -> int:
    """The city's workbook, blank or filled in."""
    from . import city

    path = Path(args.file)
    if args.action == "template":
        if path.exists():
            raise Refused(f"{path} 已存在,没有覆盖。")
        with path.open("wb") as out:
            city.write_template(out)
        return 0
    _check_stands()
    if Area.objects.filter(synthetic=True).exists():
        raise Refused("这里是演示城市。真实城市请用另一个 ANLAN_HOME,并设 ANLAN_DEMO=0。")
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    with _here():
        work = city.take_in(path.read_bytes(), path.name, check_only=args.check)
    for sheet, fault in work.faults:
        print(f"{sheet}\t{f'第 {fault.row} 行' if fault.row else '—'}\t{fault.column}\t{fault.wrong}{f',{fault.remedy}' if fault.remedy else ''}")
    if work.faults:
        print(f"共 {len(work.faults)} 处有误,没有写入。", file=sys.stderr)
        return 1
    print("核对无误,没有写入:" if args.check else "已导入:" if work.changes else "没有变动:", work.words(), sep="")
    return 0


def _check_stands() -> None:
    tables = connection.introspection.table_names()
    if World._meta.db_table not in tables or not World.objects.filter(pk=ACTUAL).exists():
        raise Refused("还没有建库。请先运行 ANLAN_DEMO=0 anlan setup。")


def _here() -> AbstractContextManager[scope.Scope]:
    """The real city, in the name of who sits at this machine."""
    return scope.entered(scope.Scope(World.objects.get(pk=ACTUAL), name=first.HAND))


def check(args: Namespace) -> int:
    """Who reacts to what; every declaration was checked when it was imported, and here what no import can tell."""
    from . import diagrams, wiring

    call_command("check")
    print(diagrams.reactions())
    found = wiring.faults()
    print(*(f"! {fault}" for fault in found), sep="\n", end="\n" if found else "")
    return 1 if found else 0


def docs(args: Namespace) -> int:
    """Write the flows, reactions and registers into docs/ from their declarations."""
    from . import diagrams

    for path, text in diagrams.pages().items():
        target = Path("docs") / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(target)
    return 0


def plan_(args: Namespace) -> int:
    """Read a numbered work plan; what a rule is not sure of is told by line."""
    from anlan.engines import plan
    from anlan.engines.texts import text_of

    found = plan.parse(text_of(Path(args.file)), args.year)
    if args.json:
        print(orjson.dumps(found.as_dict(), option=orjson.OPT_INDENT_2).decode())
        return 0
    print(f"{found.title}:{len(found.items)} 项")
    for item in found.items:
        said = [*(t["raw"] for t in item.targets), *(n["raw"] for n in item.time_nodes), *(f"《{d}》" for d in item.documents)]
        print(f"{item.no:>4} {item.title or item.text[:30]}  {'、'.join(said)}")
    for doubt in found.doubts:
        print(f"存疑 第{doubt.line}行:{doubt.why}")
    return 0


def _in(module: str, name: str) -> Callable[[Namespace], int]:
    """A word of another module. What only one word needs is loaded when that word is said, so that the others begin soon."""
    return lambda args: getattr(importlib.import_module(f".{module}", __package__), name)(args)


WORDS: dict[str, Callable[[Namespace], int]] = {
    "run": run, "work": work, "setup": setup, "replay": replay, "health": health, "journal": journal_,
    "gateway": gateway, "reader": reader, "keeper": keeper, "city": city_, "plan": plan_, "check": check, "docs": docs,
    **{word: _in("network", name) for word, name in {
        "alarms": "alarms", "history": "history", "sensing": "load", "cap": "cap_", "broker": "broker",
    }.items()},
    "sense": _in("cluster", "sense"), "cluster": _in("cluster", "cluster"),
}  # fmt: skip
