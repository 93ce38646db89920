from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "anlan.kernel.papers"
    label = "papers"
    verbose_name = "文书"
