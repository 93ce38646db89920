from django.apps import AppConfig


class ScreenConfig(AppConfig):
    name = "anlan.faces.screen"
    label = "screen"
    verbose_name = "指挥大屏"
