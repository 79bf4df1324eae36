from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from waitroom.commands import cli
from waitroom.labels.socket_proxy import render

SHIPPED = Path(__file__).parents[3] / "socket-proxy" / "haproxy.cfg"


def test_the_shipped_one_is_what_the_command_prints() -> None:
    assert SHIPPED.read_text() == render(None)


def test_named_containers_are_admitted_and_nothing_besides() -> None:
    text = render(["shop", "blog.1"])
    admitted = [line.split("if ")[1] for line in text.splitlines() if "txn.allowed) bool" in line]
    version = r"^(/v1\.(2[4-9]|[3-9][0-9]))?"
    assert admitted == [
        f"{{ method {method} }} {{ pathq -m reg {version}{path}$ }}"
        for method, path in [
            ("POST", "/containers/shop/(start|unpause)"),
            ("POST", r"/containers/blog\.1/(start|unpause)"),
            ("POST", r"/containers/shop/(pause|stop(\?t=[0-9]{1,3})?)"),
            ("POST", r"/containers/blog\.1/(pause|stop(\?t=[0-9]{1,3})?)"),
            ("GET", "/(_ping|version)"),
            ("GET", "/containers/shop/json"),
            ("GET", r"/containers/blog\.1/json"),
        ]
    ]


def test_by_name_each_container_of_a_group_is_admitted(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.yaml"
    docker = "{container: web, group: [db]}"
    hosts.write_text(f"hosts: {{shop.test: {{docker: {docker}, url: 'http://web:80'}}}}")
    done = CliRunner().invoke(cli, ["socket-proxy"], env={"WAITROOM_HOSTS": str(hosts)})
    assert done.exit_code == 0
    assert done.stdout == render(["db", "web"])
