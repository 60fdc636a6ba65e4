"""The function of the scenario python-map, for all of its variants: it imports nothing, so that no variant pays for what others need."""


def swap(text: str) -> str:
    return text[-12:] + text[:-12]
