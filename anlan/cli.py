"""The command line: what the city itself does. Chores of the house are in the Makefile."""

from __future__ import annotations

import argparse
import gc
import os
import select
import sys
from collections.abc import Callable, Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the ``anlan`` command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["django"]:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["anlan django", *words[1:]])
        return 0
    args = _parser().parse_args(words)
    gc.disable()
    import django

    django.setup()
    from anlan.faces import commands
    from anlan.kernel.cases.flow import Refused

    _collect_seldom()
    try:
        done = commands.WORDS[args.command](args)
    except Refused as no:
        print(no, file=sys.stderr)
        done = 2
    except BrokenPipeError:
        if not _unread():
            raise
        done = 1
    unread = _unread()
    return done or int(unread)


def _unread() -> bool:
    """Has whoever read our output seen enough of it? Then nothing more is said there."""
    try:
        sys.stdout.flush()
        looked = select.poll()
        looked.register(sys.stdout, select.POLLOUT)
        if not any(event & select.POLLERR for _, event in looked.poll(0)):
            return False
    except BrokenPipeError:
        pass
    except ValueError:  # what it writes to is no file of the machine, or closed
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _collect_seldom() -> None:
    """What is loaded stays, and rows read from the database end without the collector: it need not walk through either."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="anlan", description="安澜:城市应急管理平台")
    sub = parser.add_subparsers(dest="command", required=True, metavar="命令")

    def add(name: str, help_: str) -> argparse.ArgumentParser:
        return sub.add_parser(name, help=help_, description=help_)

    run = add("run", "启动城市:网页、时钟与演示回放")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=None)
    run.add_argument("--no-replay", action="store_true", help="不自动开始台风“梅花”回放")
    run.add_argument("--speed", type=float, default=600.0, help="自动回放的倍速")
    work = add("work", "只运行时钟(另起工作进程时用)")
    work.add_argument("--beside", action="store_true", help=argparse.SUPPRESS)
    add("setup", "建库并写入演示城市(已有则不动)")
    replay = add("replay", "回放一次历史过程")
    replay.add_argument("name", nargs="?", default="muifa-2022")
    replay.add_argument("--speed", type=float, default=600.0)
    replay.add_argument("--headless", action="store_true", help="不开网页,推进到结束")
    replay.add_argument("--json", action="store_true", help="结束后打印一个 JSON 对象")
    replay.add_argument("--seed", type=int, default=20220914)
    replay.add_argument("--resume", type=int, default=None, metavar="世界编号", help="接着推进被中断的回放")
    replay.add_argument("--until", default="", metavar="时刻", help="只推进到回放中的这一时刻,例如 '2022-09-14 22:00'")
    health = add("health", "各循环与网关的最近心跳")
    health.add_argument("--json", action="store_true")
    journal = add("journal", "日志:verify 校验,head 最新封条")
    journal.add_argument("action", choices=["verify", "head"])
    journal.add_argument("--json", action="store_true")
    _sensing(add)
    keeper = add("keeper", "设立首位系统、安全或审计管理员,打印一次口令")
    keeper.add_argument("role", choices=["system_keeper", "security_keeper", "audit_keeper"])
    keeper.add_argument("name", metavar="姓名")
    keeper.add_argument("--login", required=True, metavar="登录名")
    keeper.add_argument("--unit", default="", metavar="单位代码", help="缺省为市应急管理局")
    keeper.add_argument("--city", default="", metavar="市名", help="还没有区划时,全市一行的名称")
    city = add("city", "真实城市的基础数据:template 写出模板,import 导入")
    city.add_argument("action", choices=["template", "import"])
    city.add_argument("file", metavar="文件.xlsx")
    city.add_argument("--check", action="store_true", help="只核对,不写入")
    plan = add("plan", "工作要点:parse 读出编号事项及其目标、节点、文件和责任单位")
    plan.add_argument("action", choices=["parse"])
    plan.add_argument("file", metavar="文件")
    plan.add_argument("--json", action="store_true")
    plan.add_argument("--year", type=int, default=None, help="标题没有写明年份时的年份")
    add("check", "列出谁对什么作出反应,并检查声明是否自洽")
    add("docs", "由声明生成流程图与对照表到 docs/")
    return parser


def _sensing(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """The words of the sensing network."""
    gateway = add("gateway", "感知网关:add 登记并打印一次令牌,rotate 更换令牌,close 停用,restore 启用")
    reader = add("reader", "读取方(SensorThings):add 登记并打印一次令牌,rotate 更换令牌,close 停用,restore 启用")
    for bearer in (gateway, reader):
        bearer.add_argument("action", choices=["add", "rotate", "close", "restore"])
        bearer.add_argument("name", metavar="名称")
    reader.add_argument("--account", default="", metavar="用户名", help="以谁的名义读取,登记时必填")
    reader.add_argument("--area", default="370200000000", metavar="区域", help="名称或 12 位代码,缺省为全市;看到的也不超出账户的授权")
    alarms = add("alarms", "监测告警")
    alarms.add_argument("--json", action="store_true")
    alarms.add_argument("--since", default="", metavar="时刻", help="只列此后发生的,例如 '2026-07-01 08:00'")
    alarms.add_argument("--sensor", default="", metavar="测点码")
    history = add("history", "一个测点的读数")
    history.add_argument("sensor", metavar="测点码")
    history.add_argument("--from", dest="first", required=True, metavar="时刻")
    history.add_argument("--to", dest="last", required=True, metavar="时刻")
    history.add_argument("--json", action="store_true")
    cap = add("cap", "预警报文(CAP 1.2):parse 读文件,show 按编号打印")
    cap.add_argument("action", choices=["parse", "show"])
    cap.add_argument("what", metavar="文件或编号")
    cap.add_argument("--json", action="store_true")
    cap.add_argument("--xml", action="store_true", help="show 总是打印 XML")
    broker = add("broker", "MQTT 服务器:add 开始接收其读数,remove 停止")
    broker.add_argument("action", choices=["add", "remove"])
    broker.add_argument("name", metavar="代号")
    broker.add_argument("address", nargs="?", default="", metavar="mqtt://主机:1883", help="有几个节点的以逗号分开")
    broker.add_argument("--gateway", default="", metavar="感知网关")
    broker.add_argument("--topic", default="#", metavar="主题")
    broker.add_argument("--format", default="json", choices=["json", "senml+json", "senml+cbor"])
    broker.add_argument("--ca", default="", metavar="文件", help="只信任这个 PEM 文件里的机构(mqtts);缺省信任本机所信任的")
    broker.add_argument("--cert", default="", metavar="文件", help="我方的客户端证书,PEM,可带中间证书")
    broker.add_argument("--key", default="", metavar="文件", help="它的私钥,PEM,不加口令;与证书同在一个文件时不填")
    sense = add("sense", "集群中的一个判定进程(需要 ANLAN_BUS 与 PostgreSQL)")
    sense.add_argument("--worker", default="", metavar="名称", help="缺省为主机名加进程号;各进程不得同名")
    cluster = add("cluster", "在本机启动三节点消息总线;设了 PostgreSQL 时也启动判定进程与页面")
    cluster.add_argument("--bus-port", type=int, default=4222, metavar="端口", help="三个节点依次占用此端口起的三个,各自加 2000(节点间)、加 4000(MQTT)的端口")
    cluster.add_argument("--workers", type=int, default=2, metavar="个数")
    sensing = add("sensing", "感知网:load 载入监测站、测点和规则,import 导入历史读数")
    sensing.add_argument("action", choices=["load", "import"])
    sensing.add_argument("file", metavar="文件")


if __name__ == "__main__":
    sys.exit(main())
