from django.apps import AppConfig


class ReductionConfig(AppConfig):
    name = "anlan.disaster.reduction"
    label = "reduction"
    verbose_name = "防灾减灾(第15—17项)"
