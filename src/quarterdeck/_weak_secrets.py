"""Whether a secret can be guessed."""

from __future__ import annotations

MIN_LENGTH = 32
MIN_VARIETY = 8  # 32 random hexadecimal digits have fewer less than once in a million
KNOWN = frozenset(
    {"", "change me", "changeme", "default", "dev", "development", "hard to guess string", "key"}
    | {"password", "secret", "secret key", "secret_key", "test", "testing", "you-will-never-guess"}
)
#: What to do about a secret key.
REMEDY = "Set it to the output of 'python -c \"import secrets; print(secrets.token_urlsafe(48))\"'."


def is_known(secret: object) -> bool:
    """Whether a secret stands in tutorials, or in the documentation of the kit."""
    text = secret.decode("latin-1") if isinstance(secret, bytes) else str(secret)
    return text.strip().lower() in KNOWN


def weakness_of(secret: object, length: int = MIN_LENGTH) -> str | None:
    """Return the problem of a secret as the rest of a sentence, None if it is good.

    Args:
        secret: Any value of a configuration.
        length: The least number of characters.
    """
    if not secret:
        return "is not set"
    text = secret.decode("latin-1") if isinstance(secret, bytes) else str(secret)
    if is_known(text):
        return "is one that everybody knows"
    if len(text) < length:
        return f"is shorter than {length} characters"
    if len(set(text)) < MIN_VARIETY:
        return f"has fewer than {MIN_VARIETY} different characters"
    return None
