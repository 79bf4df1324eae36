"""The watcher beside Traefik: reads its log, records, decides, puts to sleep.

__main__     commands and environment
daemon       the one loop: look, read, commit, decide
sleep        the handshake that puts one host to sleep, step by step
idle         whether a host is idle (pure)
connections  Traefik's open connections to an upstream
looks        when there may be something to read
recorder     log line -> tail -> entry -> activity -> store; the one owner of activity.json
"""
