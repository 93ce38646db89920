from importlib import import_module

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    name = "anlan.kernel.simulator"
    label = "simulator"
    verbose_name = "模拟电话"

    def ready(self) -> None:
        import_module(f"{self.name}.phones")
