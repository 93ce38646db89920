from django.apps import AppConfig


class DutyConfig(AppConfig):
    name = "anlan.response.duty"
    label = "duty"
    verbose_name = "应急值守"
