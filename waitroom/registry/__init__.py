"""hosts.yaml, read: which hostname leads to which upstream, and by which rules.

settings       what the environment says
config         the file, watched, with what containers announce
document       the decoded file as a registry, or every fault with the path to it
host_keys      the keys of a host, read into a Host
convert        what YAML says, into such a shape; places: names and addresses
owners         which host has a name, a container or a VM
hosts          the registry itself
named          upstreams, as they are named
values         what stands in the file, each of its type
windows        weekly windows of time
page_keys      the key `page:`, read into a
branding       branding
announcements  which containers' labels are taken in
containers     the containers as they were last seen
"""
