"""Upstreams: what can be put to sleep, behind one small protocol.

base     the protocol and its values
docker   a container
command  anything with a start, a stop and a status command
connect  from a host of the registry to its upstream; imports a provider when it is used
"""
