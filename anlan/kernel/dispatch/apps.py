from importlib import import_module

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "anlan.kernel.dispatch"
    label = "dispatch"
    verbose_name = "呼出"

    def ready(self) -> None:
        import_module(f"{self.name}.rungs")
