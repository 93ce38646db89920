"""Invented names of persons and villages, from a seeded chance only."""

from random import Random

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
FIRST = "志国建晓明海玉文春秀立永庆振兴德宏少光正世新云长金美淑桂丽红雪思雅佳子宇泽浩俊"
SECOND = "强军平辉波涛亮华杰伟刚勇超斌磊鹏峰林宁洋芳敏静娟燕霞萍莉颖琳欣怡然轩豪涵阳晨"
WHERE = ("东", "西", "南", "北", "前", "后", "上", "下", "大", "小")
WHAT = ("岭", "泉", "溪", "坡", "滩", "洼", "屯", "庄", "圩", "堰", "塘", "沟", "林", "桥", "埠")


def person(chance: Random) -> str:
    """A surname and one or two characters."""
    given = chance.choice(FIRST) + chance.choice(SECOND) if chance.random() < 0.8 else chance.choice(SECOND)
    return chance.choice(SURNAMES) + given


def villages(chance: Random, count: int, ending: str) -> list[str]:
    """Different names that say in themselves that they are not real: 合成·东岭村."""
    return [f"合成·{a}{b}{ending}" for a, b in chance.sample([(a, b) for a in WHERE for b in WHAT], count)]
