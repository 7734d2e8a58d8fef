from django.apps import AppConfig


class EmailsecConfig(AppConfig):
    """The project as an app: its system checks, and the refusal of an unsafe production start."""

    name = "emailsec"
    verbose_name = "门户"

    def ready(self) -> None:
        from emailsec import checks

        checks.refuse_unsafe_production()
