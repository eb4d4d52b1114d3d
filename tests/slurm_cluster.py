"""A Slurm cluster of its own on one machine: a head and one or two nodes, each in a network namespace. Needs root."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from two_hosts import impossible as no_two_hosts
from two_hosts import ip

HEAD = "10.213.78.254"
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol", "scancel", "squeue", "nsenter")
STATES_OF_AN_END = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"}

# Batch scripts are root's here, so that slurmd can start them; task/none and linuxproc do without control groups.
CONFIGURATION = """\
ClusterName=causalfm
SlurmctldHost=head({head})
SlurmctldPort=6817
SlurmdPort=6818
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdParameters=config_overrides
SlurmdUser=root
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1,bf_interval=1,requeue_delay=1,batch_sched_delay=0,default_queue_depth=50
JobRequeue=1
KillWait={kill_wait}
CompleteWait=0
MinJobAge=600
InactiveLimit=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout={slurmd_timeout}
MessageTimeout=10
TreeWidth=2
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
SlurmdLogFile={folder}/slurmd-%n.log
TmpFS={folder}/temporary-%n
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def impossible():
    """Why this machine cannot play a cluster; empty when it can."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        return f"a Slurm cluster needs {', '.join(missing)}: install the packages of launch/debian-packages.txt"
    return no_two_hosts()


class SlurmCluster:
    """A running cluster while the block runs. `folder` has a short path, for sockets are in it."""

    def __init__(self, folder, nodes=1, cores=4, kill_wait=15, slurmd_timeout=120):
        self.folder = Path(folder)
        self._nodes = [f"node-{number}" for number in range(nodes)]
        self._cores = cores
        self._waits = {"kill_wait": kill_wait, "slurmd_timeout": slurmd_timeout}
        self._spaces = {name: f"cfs{os.getpid()}{letter}" for name, letter in zip(["head", *self._nodes], "hab")}
        self._daemons = []
        self.environment = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        for name in list(self.environment):
            if name.startswith(("SLURM_", "SBATCH_", "OMPI_", "PMIX_")) and name != "SLURM_CONF":
                del self.environment[name]

    def __enter__(self):
        try:
            self._write_configuration()
            self._make_network()
            self._start_daemons()
            self._await_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(self._spaces.values()):
            # Killed at once: a slurmd that ends in order leaves its steps running.
            for process in ip("netns", "pids", name, check=False).stdout.split():
                subprocess.run(["kill", "-9", process], check=False, stderr=subprocess.DEVNULL)
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()
        for name in reversed(self._spaces.values()):
            ip("netns", "del", name, check=False)

    def run(self, *arguments, check=True, timeout=120, **variables):
        """Runs a command on the head, as a user on a login node would."""
        environment = dict(self.environment, **variables)
        folder = variables.get("PWD", str(self.folder))
        return subprocess.run([*self._inside("head"), *map(str, arguments)], check=check, capture_output=True,
                              text=True, timeout=timeout, env=environment, cwd=folder, stdin=subprocess.DEVNULL)

    def submit(self, *arguments, **variables):
        """sbatch with these arguments; the number of the job."""
        return self.run("sbatch", "--parsable", *arguments, **variables).stdout.strip()

    def job(self, number):
        """What `scontrol show job` says of a job or a member of an array."""
        shown = self.run("scontrol", "--oneliner", "show", "job", number).stdout.splitlines()[0]
        return dict(word.split("=", 1) for word in shown.split() if "=" in word)

    def await_end(self, number, timeout=120):
        """Waits until a job has ended and will not run again; what Slurm then says of it."""
        def ended():
            job = self.job(number)
            return job if job["JobState"] in STATES_OF_AN_END else None
        return self.await_that(ended, f"job {number} to end", timeout)

    def await_that(self, condition, what, timeout=120):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        queue = self.run("scontrol", "show", "job", check=False).stdout
        raise AssertionError(f"waited {timeout} s for {what}\n{queue}\n{self._end_of_logs()}")

    def cut(self, node):
        """Takes the network of a node away."""
        ip("-n", self._spaces[node], "link", "set", "cable", "down")

    def mend(self, node):
        """The network is back, and the node reports to the head, as after it was started anew."""
        ip("-n", self._spaces[node], "link", "set", "cable", "up")
        for slurmd in self.processes(node, "slurmd"):
            os.kill(slurmd, signal.SIGHUP)

    def processes(self, node, name):
        """Numbers of the living processes of that name on a node."""
        found = []
        for process in ip("netns", "pids", self._spaces[node], check=False).stdout.split():
            try:
                if Path("/proc", process, "comm").read_text().strip() == name[:15]:
                    found.append(int(process))
            except OSError:
                continue
        return found

    def own(self, node):
        """The folder of the cluster that each node has for itself, FOLDER/own on the node, as seen from here."""
        slurmd = self.processes(node, "slurmd")[0]
        return Path(f"/proc/{slurmd}/root{self.folder}/own")

    def _write_configuration(self):
        nodes = "\n".join(f"NodeName={name} NodeHostname={name} NodeAddr=10.213.78.{number + 1} CPUs={self._cores} "
                          "RealMemory=1000 State=UNKNOWN" for number, name in enumerate(self._nodes))
        (self.folder / "state").mkdir()
        (self.folder / "own").mkdir()
        for name in self._nodes:
            (self.folder / f"spool-{name}").mkdir()
            (self.folder / f"temporary-{name}").mkdir()
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(head=HEAD, folder=self.folder, nodes=nodes, **self._waits))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)

    def _make_network(self):
        for name in self._spaces.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        head = self._spaces["head"]
        ip("-n", head, "link", "add", "switch", "type", "bridge")
        ip("-n", head, "address", "add", f"{HEAD}/24", "dev", "switch")
        ip("-n", head, "link", "set", "switch", "up")
        for number, node in enumerate(self._nodes):
            space = self._spaces[node]
            ip("link", "add", f"port{number}", "netns", head, "type", "veth", "peer", "name", "cable", "netns", space)
            ip("-n", head, "link", "set", f"port{number}", "master", "switch", "up")
            ip("-n", space, "address", "add", f"10.213.78.{number + 1}/24", "dev", "cable")
            ip("-n", space, "link", "set", "cable", "up")

    def _inside(self, name):
        """The beginning of a command line that runs on that machine; `ip netns exec` would hide /sys/fs/cgroup."""
        return ["nsenter", f"--net=/run/netns/{self._spaces[name]}", "unshare", "--uts", "--mount", "sh", "-c",
                f"hostname {name} && mount -t tmpfs own {self.folder}/own && exec \"$@\"", "sh"]

    def _start(self, name, *command):
        output = (self.folder / f"{Path(command[0]).name}-{name}.output").open("w")
        environment = dict(self.environment, PATH=os.environ["PATH"] + ":/usr/sbin")
        self._daemons.append(subprocess.Popen([*self._inside(name), *map(str, command)], env=environment,
                                              stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                              preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ())))

    def _start_daemons(self):
        folder = self.folder
        self._start("head", "munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
                    f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid",
                    f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed")
        self.await_that((folder / "munge.socket").exists, "munged", 20)
        self._start("head", "slurmctld", "-D")
        for node in self._nodes:
            self._start(node, "slurmd", "-D", "-N", node)

    def _await_nodes(self):
        def idle():
            states = self.run("sinfo", "-h", "-N", "-o", "%T", check=False).stdout.split()
            return states == ["idle"] * len(self._nodes)
        self.await_that(idle, "the nodes", 30)

    def _end_of_logs(self):
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.output")]
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')[-1500:]}" for file in files)
