"""The enterprises that the bureau watches: the same rows on the list, the command map and the call sheet."""

from django.db import models

from anlan.kernel.people.scope import Placed


class Enterprise(Placed):
    """A production or business unit."""

    class Trade(models.TextChoices):
        CHEMICAL = "chemical", "危险化学品"
        MINE = "mine", "非煤矿山"
        METAL = "metal", "冶金铸造"
        DUST = "dust", "涉爆粉尘"
        AMMONIA = "ammonia", "液氨制冷"
        FIREWORKS = "fireworks", "烟花爆竹经营"
        BUILDING = "building", "建筑施工"
        CROWDED = "crowded", "人员密集型工贸"
        OTHER = "other", "其他工贸"

    class Risk(models.IntegerChoices):
        RED = 1, "重大风险"
        ORANGE = 2, "较大风险"
        YELLOW = 3, "一般风险"
        BLUE = 4, "低风险"

    name = models.CharField("企业名称", max_length=80)
    trade = models.CharField("行业类别", max_length=12, choices=Trade)
    level = models.PositiveSmallIntegerField("风险等级", choices=Risk)
    staff = models.PositiveIntegerField("从业人数")
    keeper = models.CharField("主要负责人", max_length=20, blank=True)
    phone = models.CharField("联系电话", max_length=20, blank=True)
    lon = models.FloatField("经度")
    lat = models.FloatField("纬度")
    synthetic = models.BooleanField("合成", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "企业"

    def __str__(self) -> str:
        return self.name
