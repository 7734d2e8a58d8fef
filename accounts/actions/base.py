"""What the acts share: the refusal."""


class Refused(Exception):
    """A rule of this room forbids the act; `str(error)` is Chinese and meant for the person."""
