from django.apps import AppConfig


class ScansConfig(AppConfig):
    name = "scans"
    verbose_name = "外部探测"
