"""The demo city's flood and typhoon plan as task cards. The wording is the project's own; the real plan is loaded by the bureau."""

from .models import Plan, Task

SOURCE = "演示预案:依据公开报道的2022年“梅花”应对措施和公开预案目录自拟,任务与时限均可配置"
CARDS = """
4|city|应急|组织气象、水务、自然资源、海洋会商研判,形成会商纪要|60|会商纪要
4|city|气象|滚动报送雨情风情实况与预报,每小时一次|60|报送记录
4|city|水务|检查水库、河道、城市排涝设施,报送超汛限情况|180|检查清单
4|city|海洋|通知渔船回港避风、海上养殖人员上岸,报送归港率|240|归港率、上岸人数
4|city|文旅|关闭海水浴场和临海、山岳型景区,劝返游客|180|关闭清单
4|city|交通|排查下穿立交、隧道、轨道出入口防汛措施|180|排查清单
4|city|城管|检查户外广告、树木、工棚,抽排设备到点位|180|到位照片
4|district|应急|区(市)防指到岗到位,启动本级响应,报送值班表|60|到岗名单
4|district|水务|巡查水库、塘坝、河道堤防,责任人上岗|180|巡查记录
4|town|镇街|包村干部到村,逐户核对危险区人员转移清单|240|核对清单
3|city|应急|市防指组织视频调度,派出工作组|60|调度记录
3|city|教育|通知学校视情停课,落实在校学生安全措施|120|通知文本
3|city|住建|停止在建工地高空、深基坑作业,撤离工棚人员|120|停工清单
3|city|公安|对积水路段、临水道路实施交通管制|90|管制点位
3|city|海洋|海上作业人员全部上岸,关停海上交通|120|上岸人数
3|city|卫健|急救力量备勤,检查医院备用电源|120|备勤情况
3|city|自然资源|巡查地质灾害隐患点,提出转移建议|120|巡查记录
3|district|应急|转移地质灾害点、低洼易涝、危房人员,报送人数|240|转移人数
3|district|水务|对接近汛限水位的水库按规程预泄|120|调度记录
3|town|镇街|开放避难场所,安置转移人员,报送人数|180|安置人数
2|city|应急|提请市领导坐镇指挥,抽调队伍前置|60|前置清单
2|city|交通|停运临海公交、轮渡、旅游客运|60|停运通知
2|city|教育|全市停课|60|停课通知
2|district|应急|危险区人员应转尽转,逐户复核|120|复核清单
2|town|镇街|逐户敲门复核,重点看护独居和行动不便人员|120|复核清单
1|city|应急|按市委市政府部署实行停工停业停课停运|60|部署文件
1|city|公安|封控高风险区域,协助强制转移|60|封控点位
1|district|应急|全部救援队伍投入,每小时报告一次|60|报告记录
"""
TITLES = {"11B01": ("fx-tf", "青岛市防汛防台风预案任务卡(演示)"), "11B03": ("fx-by", "青岛市暴雨应对任务卡(演示)")}


def plant() -> None:
    """Write the plans once."""
    for kind, (code, title) in TITLES.items():
        plan = Plan.objects.create(code=code, title=title, kind=kind, version="2023演示版", source=SOURCE)
        rows = [line.split("|") for line in CARDS.strip().splitlines()]
        Task.objects.bulk_create(
            Task(plan=plan, number=n, level=int(level), tier=tier, office=office, text=text, minutes=int(minutes), evidence=evidence)
            for n, (level, tier, office, text, minutes, evidence) in enumerate(rows, 1)
        )
