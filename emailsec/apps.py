from django.apps import AppConfig


class EmailsecConfig(AppConfig):
    """The project as an app: its checks, its words, and the refusal of an unsafe start."""

    name = "emailsec"
    verbose_name = "门户"

    def ready(self) -> None:
        from emailsec import checks
        from emailsec.lib import formwords

        formwords.install()
        checks.refuse_unsafe_production()
