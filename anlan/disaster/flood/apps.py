from django.apps import AppConfig


class FloodConfig(AppConfig):
    name = "anlan.disaster.flood"
    label = "flood"
    verbose_name = "防汛防台风"
