"""The static configuration for a Traefik that we start ourselves, made from the shipped one.

Pure. What matters (log fields, no buffering, throttle) is said once, in traefik.yml; only the
places differ between a container and a folder on this machine.
"""

from __future__ import annotations

import yaml


def render(shipped: str, *, address: str, routes: str, access_log: str) -> str:
    """Return the shipped traefik.yml with other places: listening address, folder and log."""
    config = yaml.safe_load(shipped)
    config["entryPoints"] = {"web": {"address": address}}
    config.pop("ping", None)  # for the container's health check
    config["providers"]["file"]["directory"] = routes
    config["accessLog"]["filePath"] = access_log
    text: str = yaml.safe_dump(config, sort_keys=False)
    return text
