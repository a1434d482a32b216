"""Passwords of hubs, as Mosquitto keeps them. Pure, but for the dice.

A line of its password file is `name:$7$<iterations>$<salt>$<hash>`: PBKDF2 with HMAC-SHA-512, both in
base64 (mosquitto_passwd(1)).
"""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 101
"""Mosquitto's own number. More would protect words that people choose; these passwords are 192 random bits,
and after a power cut the broker has to check those of a whole county in a minute."""
SALT_BYTES = 12
PASSWORD_BYTES = 24
OWN_ACCOUNTS = frozenset(f"threshold-{name}" for name in ("gateway", "monitor", "admin", "watch", "health"))
"""Accounts of our own at the broker (deploy/mosquitto): a hub of that name would take one's place."""


def new_password() -> str:
    """32 characters that nobody can guess and that survive being typed into a device's setup page."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def password_hash(password: str, salt: bytes | None = None) -> str:
    """What the broker keeps of a password; without `salt` a random one is used."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def verifies(password: str, kept: str) -> bool:
    """Whether a password is the one of which the broker keeps this; False for any other form of hash."""
    parts = kept.split("$")
    if len(parts) != 5 or parts[1] != "7" or not parts[2].isdecimal():
        return False
    try:
        salt, key = base64.b64decode(parts[3], validate=True), base64.b64decode(parts[4], validate=True)
    except ValueError:
        return False
    found = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, int(parts[2]))
    return hmac.compare_digest(found, key)


def can_be_account(hub: str) -> bool:
    """Whether a hub's id can be its account's name and a level of its topics.

    `:` ends the name in the password file; `+`, `#` and `/` mean something in topics, and the broker's rules
    match no account with them. Nor may it be one of our own accounts.
    """
    if hub in OWN_ACCOUNTS:
        return False
    return hub.isprintable() and hub.strip() == hub != "" and not set(hub) & set(":+#/")


def with_account(lines: str, name: str, kept: str) -> str:
    """A password file with this account's line replaced, or added at its end."""
    return without_account(lines, name) + f"{name}:{kept}\n"


def without_account(lines: str, name: str) -> str:
    """A password file without this account; every other line stays as it is."""
    stay = [line for line in lines.splitlines() if line.partition(":")[0] != name]
    return "".join(f"{line}\n" for line in stay)
