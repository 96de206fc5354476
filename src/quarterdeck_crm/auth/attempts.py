"""The limits of signing in: delays for each account and address, and rates above them."""

from __future__ import annotations

from quarterdeck.security.limits import SignInAttempt, get_remote_address
from quarterdeck_crm.extensions import limiter
from quarterdeck_crm.validation.addresses import fold_address
from quarterdeck_crm.web.limits import count_use


async def begin_sign_in(email: str) -> SignInAttempt:
    """Count an attempt to sign in, before the password is looked at.

    The rates per account and per address bound guesses from many addresses and on many accounts.
    A device that signed in before is exempt from them: only its own failed attempts delay it, so
    nobody can shut the owner of an account out.

    Raises:
        RateLimitExceededError: If the attempt comes too early or is one too many.
    """
    account = fold_address(email)
    attempt = await limiter.begin_sign_in(account)
    if not attempt.is_known_device:
        await count_use("LIMIT_SIGN_IN_ADDRESS", get_remote_address())
        await count_use("LIMIT_SIGN_IN_ACCOUNT", account)
    return attempt
