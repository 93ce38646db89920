from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "anlan.safety.training"
    label = "training"
    verbose_name = "全员培训(第1—3项)"
