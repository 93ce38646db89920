from django.apps import AppConfig


class ForestConfig(AppConfig):
    name = "anlan.disaster.forest"
    label = "forest"
    verbose_name = "森林防灭火(第18—20项)"
