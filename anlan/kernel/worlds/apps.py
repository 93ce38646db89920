from django.apps import AppConfig


class WorldsConfig(AppConfig):
    name = "anlan.kernel.worlds"
    label = "worlds"
    verbose_name = "世界"
