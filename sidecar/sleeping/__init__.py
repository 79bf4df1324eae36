"""Who is put to sleep, when, and how.

decide       asks about each host that the agenda calls up
agenda       which hosts are to be looked at now, and which later
uses         all that is known of each host's use
questions    what must hold, each with its answer as data
connections  Traefik's open connections to an upstream
sight        whether they are seen where we look for them
sleep        the handshake that puts one host to sleep
shadowing    proves by canaries that requests lead to the waiting room
proofs       canaries whose own line has been read
stopping     follows a stop until it has begun, or ended
"""
