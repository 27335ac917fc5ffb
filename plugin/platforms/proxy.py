"""The HTTP proxy that a platform is reached through, as the environment of maubot names it.

aiohttp's own `trust_env` would read passwords for platforms out of `~/.netrc`, too, and fail
where there is one beside the configured key. Nothing else about the environment is known here.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from .failures import explain_proxy


def find_proxy(url: str) -> str | None:
    """The proxy for an address, from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or None.

    Raises:
        PlatformError: what stands there is no proxy that speaks HTTP.
    """
    address = urlsplit(url)
    proxy = getproxies_environment().get(address.scheme)
    if not proxy or proxy_bypass(address.netloc):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise explain_proxy()
    return proxy
