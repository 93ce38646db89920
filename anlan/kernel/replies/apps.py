from django.apps import AppConfig


class RepliesConfig(AppConfig):
    name = "anlan.kernel.replies"
    label = "replies"
    verbose_name = "答复"
