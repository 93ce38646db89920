"""Areas, units, persons, posts and grants."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from .roles import ROLES
from .scope import DIGITS, ROOT, Placed, prefix


class Area(models.Model):
    """An administrative area. Its 12-digit code begins with its ancestors' digits."""

    class Level(models.TextChoices):
        CITY = "city", "市"
        DISTRICT = "district", "区(市)"
        TOWN = "town", "镇(街道)"
        VILLAGE = "village", "村(社区)"

    code = models.CharField("区划代码", max_length=12, primary_key=True)
    name = models.CharField("名称", max_length=40)
    level = models.CharField("层级", max_length=10, choices=Level)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name="上级", related_name="children")
    lon = models.FloatField("经度", null=True, blank=True)
    lat = models.FloatField("纬度", null=True, blank=True)
    population = models.PositiveIntegerField("人口", null=True, blank=True)
    synthetic = models.BooleanField("合成", default=False)
    rank = models.PositiveSmallIntegerField("排序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "行政区划"
        ordering = ("rank", "code")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Who sees what goes by the code's digits, so that level and parent have to agree with them."""
        if not (len(self.code) == 12 and self.code.isascii() and self.code.isdigit()):
            raise ValidationError({"code": "区划代码须为 12 位数字"})
        if self.level not in DIGITS:
            return
        if len(prefix(self.code)) != DIGITS[self.level]:
            raise ValidationError({"code": f"不是{self.get_level_display()}级的代码"})
        if self.level == self.Level.CITY:
            if self.code != ROOT or self.parent_id:
                raise ValidationError({"code": f"全市只有一行,代码 {ROOT},没有上级"})
        elif self.parent is None:
            raise ValidationError({"parent": "请填写上级的代码"})
        elif DIGITS[self.parent.level] >= DIGITS[self.level] or not self.code.startswith(self.parent.prefix):
            raise ValidationError({"parent": f"{self.code} 不在{self.parent}({self.parent_id})的代码之下"})

    @property
    def prefix(self) -> str:
        return self.code[: DIGITS[self.level]]

    @property
    def district_code(self) -> str:
        return self.code[:6] + "000000"

    @property
    def town_code(self) -> str:
        return self.code[:9] + "000"


class Unit(Placed):
    """An office, department, headquarters, company or team. Codes nest: 3702.yj.zhzx lies in 3702.yj.

    Who works in an area also sees the units of the areas above it, to which it reports.
    """

    scope_above = True

    code = models.CharField("单位代码", max_length=60, primary_key=True)
    name = models.CharField("单位名称", max_length=80)
    short = models.CharField("简称", max_length=20)
    kind = models.CharField("类别", max_length=20)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name="上级单位", related_name="+")
    duty_phone = models.CharField("值班电话", max_length=20, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "单位"

    def __str__(self) -> str:
        return self.short


class Person(Placed):
    """A person who holds posts, is called, and may sign in."""

    name = models.CharField("姓名", max_length=20)
    phone = models.CharField("手机", max_length=20, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, verbose_name="单位", related_name="persons")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="person")
    synthetic = models.BooleanField("合成", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "人员"

    def __str__(self) -> str:
        return self.name


class Post(Placed):
    """A responsible post over an area: it stays when its holder changes."""

    title = models.CharField("岗位", max_length=40)
    role = models.CharField("角色", max_length=20, choices=[(r.name, r.label) for r in ROLES.values()])
    unit = models.ForeignKey(Unit, models.PROTECT, verbose_name="单位", related_name="posts")
    tier = models.CharField("层级", max_length=10, choices=Area.Level)

    class Meta:
        verbose_name = verbose_name_plural = "岗位"
        indexes = [models.Index(fields=["role", "area"])]

    def __str__(self) -> str:
        return f"{self.area}{self.title}"


class Holding(Placed):
    """A person holds a post from a day to a day; rank 1 is the A role, 2 the deputy (B role)."""

    post = models.ForeignKey(Post, models.PROTECT, verbose_name="岗位", related_name="holdings")
    person = models.ForeignKey(Person, models.PROTECT, verbose_name="人员", related_name="holdings")
    rank = models.PositiveSmallIntegerField("A/B 角", choices=[(1, "A角"), (2, "B角")], default=1)
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "任职"
        constraints = [
            models.UniqueConstraint(
                "post", "rank", "since", name="one_holder_a_rank", violation_error_message="该岗位的这一角已有人自同日任职"
            ),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("since")), name="holding_dates",
                violation_error_message="任职止日早于起日",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}({self.post})"


class Grant(models.Model):
    """A role over an area prefix and a unit prefix, from a day to a day."""

    person = models.ForeignKey(Person, models.CASCADE, verbose_name="人员", related_name="grants")
    role = models.CharField("角色", max_length=20, choices=[(r.name, r.label) for r in ROLES.values()])
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="区域", related_name="+")
    unit = models.CharField("单位前缀", max_length=60, blank=True)
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "授权"
        constraints = [models.UniqueConstraint(
                "person", "role", "area", "unit", "since", name="grant_once", violation_error_message="该授权已存在"
            )]

    def __str__(self) -> str:
        return f"{self.person}:{self.get_role_display()}@{self.area}"

    def clean(self) -> None:
        if self.role not in ROLES or not ROLES[self.role].keeper:
            return
        others = [name for name, role in ROLES.items() if role.keeper and name != self.role]
        if Grant.objects.filter(person_id=self.person_id, role__in=others).exists():
            raise ValidationError({"role": "系统、安全、审计三类管理员须由不同的人担任"})

    @property
    def prefix(self) -> str:
        return prefix(self.area_id)


class Participant(models.Model):
    """A person takes part in an exercise. Who stands on no line neither enters its world nor is called in it."""

    class Part(models.TextChoices):
        DIRECT = "direct", "导调"
        PLAY = "play", "参演"
        OBSERVE = "observe", "观摩"

    world = models.ForeignKey("worlds.World", models.CASCADE, verbose_name="演练", related_name="participants")
    person = models.ForeignKey(Person, models.CASCADE, verbose_name="人员", related_name="+")
    part = models.CharField("身份", max_length=10, choices=Part, default=Part.PLAY)

    class Meta:
        verbose_name = verbose_name_plural = "参演人员"
        constraints = [models.UniqueConstraint("world", "person", name="participant_once", violation_error_message="已在名单中")]

    def __str__(self) -> str:
        return f"{self.person}({self.get_part_display()})"
