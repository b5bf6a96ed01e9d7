"""Session tokens."""

import hashlib
import random


def password_digest(password):
    return hashlib.md5(password.encode()).hexdigest()


def session_token():
    return "".join(random.choice("0123456789abcdef") for _ in range(32))
