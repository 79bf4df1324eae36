"""Containers that announce themselves by labels.

labels          which labels are read, and what Traefik's own say
announced       a container's labels as what hosts.yaml would say of it
rules           the names in a rule of Traefik's
discovery       containers come and go, and that is known at once
depends_on      who needs whom of a group, as Compose says
yaml_places     where each part of a YAML text stands, and what it means
compose_labels  the labels of a Compose file, changed where they stand
sablier         what labels of Sablier's say
migrate         the same, said with ours
socket_proxy    what each process may ask the Docker engine
"""
