"""What we say to Traefik and what it says to us; knows neither waitroom nor sidecar.

routes      the route files: text for Traefik's file provider (pure)
folder      the watched folder: writing, renaming and removing route files atomically
access_log  one line of the access log as a typed Entry (pure)
static      the static configuration, for a Traefik that we start ourselves (the demo)
"""
