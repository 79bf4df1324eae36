"""Upstreams: what can be put to sleep, behind one small protocol.

base     the protocol and its values
docker   a container; docker_group several that sleep and wake together; docker_labels and
         docker_list tell of all that have our label
command  anything with a start, a stop and a status command
gce      a VM of Compute Engine; with gce_fleet (what is known of all VMs), gce_machine (of one),
         gce_api (the calls), gce_errors (what its faults mean) and gce_back_off (the pauses
         after them)
fronts   which apps of a host may have visitors
connect  from a host of the registry to its upstream; imports a provider when it is used
"""
