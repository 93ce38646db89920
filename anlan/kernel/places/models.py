"""What has a point on the map."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Located(models.Model):
    """A row with a point in WGS 84 / CGCS2000 degrees. Unknown stays empty; it is never 0, 0."""

    lon = models.FloatField("经度", null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)])
    lat = models.FloatField("纬度", null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)])

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["lon", "lat"])]
