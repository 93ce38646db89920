from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "anlan.faces.desk"
    label = "desk"
    verbose_name = "值班工作台"
