"""The whole thing on one machine, without Docker.

stack      puts it together: Traefik, waiting room, sidecar and
app        a small app, whose
app_http   HTTP side has every kind of request that must not be cut off
programs   what runs, started and ended together
places     where everything is
narration  what is told meanwhile
"""
