"""Two hosts on one machine: network namespaces joined by a cable that can be slowed down and cut. Needs root."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

ADDRESSES = ["10.213.77.1", "10.213.77.2"]
NETWORK = "10.213.77.0/24"
FASTEST = 4e9  # bytes a second; more than this machine moves
BURST = 131072  # bytes that pass at once after a pause; fewer than two of the kernel's packets would be cut to 1,500 each


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def impossible():
    """Why this machine cannot play two hosts; empty when it can."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        return "two network namespaces need root, ip and unshare"
    probe = f"cfm{os.getpid()}"
    if ip("netns", "add", probe, check=False).returncode != 0:
        return "this machine lets nobody make a network namespace"
    pair = ip("-n", probe, "link", "add", "v0", "type", "veth", "peer", "name", "v1", check=False)
    ip("netns", "del", probe)
    return "this machine has no veth pairs" if pair.returncode != 0 else ""


class TwoHosts:
    """host-0 and host-1 while the block runs; `folder` takes the files that mpirun needs to reach both."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._names = [f"cfm{os.getpid()}{side}" for side in "ab"]

    def __enter__(self):
        for name in self._names:
            ip("netns", "add", name)
        first, second = self._names
        ip("link", "add", "cable0", "netns", first, "type", "veth", "peer", "name", "cable1", "netns", second)
        for side, name in enumerate(self._names):
            ip("-n", name, "address", "add", f"{ADDRESSES[side]}/24", "dev", f"cable{side}")
            ip("-n", name, "link", "set", f"cable{side}", "up")
            ip("-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for name in self._names:
            for process in ip("netns", "pids", name, check=False).stdout.split():
                subprocess.run(["kill", "-9", process], check=False)
            ip("netns", "del", name, check=False)

    def cut(self):
        ip("-n", self._names[0], "link", "set", "cable0", "down")

    def mend(self):
        ip("-n", self._names[0], "link", "set", "cable0", "up")

    def limit(self, bytes_per_second):
        """Of each direction; None: as fast as the machine can."""
        rate = FASTEST if bytes_per_second is None else bytes_per_second
        for side, name in enumerate(self._names):
            # In place and with a long queue: what waits in it is not lost, or TCP would stall for 200 ms to send again.
            bucket = ["tbf", "rate", f"{int(8 * rate)}bit", "burst", str(BURST), "limit", "64mb"]
            subprocess.run(["tc", "-n", name, "qdisc", "replace", "dev", f"cable{side}", "root", *bucket], check=True)

    def mpirun(self, source, arguments, binary):
        """Command line and environment of launch/mpirun.sh on host-0 with a rank on each host."""
        hostfile = self._folder / "hosts"
        hostfile.write_text("".join(f"{address} slots=1\n" for address in ADDRESSES))
        agent = self._folder / "agent"
        agent.write_text(f"#!/bin/sh\nshift\nexec {self._inside(1)} sh -c \"$*\"\n")
        agent.chmod(0o755)
        environment = dict(
            os.environ,
            CAUSALFM_BINARY=str(binary),
            OMPI_MCA_plm_rsh_agent=str(agent),
            OMPI_MCA_btl_tcp_if_include=NETWORK,
            OMPI_MCA_oob_tcp_if_include=NETWORK,
            OMPI_MCA_btl="self,tcp",
            OMPI_MCA_orte_keep_fqdn_hostnames="1",
        )
        command = [Path(source, "launch", "mpirun.sh"), "--hostfile", hostfile, "2", *arguments]
        return ["sh", "-c", f"exec {self._inside(0)} {shlex.join(map(str, command))}"], environment

    def _inside(self, side):
        """The beginning of a command line that runs on that host, which has one core of this machine."""
        name = self._names[side]
        cores = sorted(os.sched_getaffinity(0))
        core = cores[side % len(cores)]
        return f"taskset -c {core} ip netns exec {name} unshare --uts sh -c 'hostname host-{side} && exec \"$@\"' sh"
