"""Containers that announce themselves by labels.

labels          which labels are read, and what Traefik's own say
announced       a container's labels as what hosts.yaml would say of it
discovery       containers come and go, and that is known at once
depends_on      who needs whom of a group, as Compose says
compose_labels  the labels of a Compose file, where they stand in its text
migrate         those of Sablier, translated
socket_proxy    what each process may ask the Docker engine
"""
