"""Runs causalfm on N ranks of Open MPI 4.1 and stays their parent until they have ended."""

import sys

from placement import mpirun_command
from request import UsageError, find_binary, read_request, say
from supervisor import Supervisor
from verdict import USAGE_ERROR


def main() -> int:
    try:
        request = read_request(sys.argv[1:])
        binary = find_binary()
        command, environment = mpirun_command(request, binary)
    except UsageError as error:
        say(f"{error}; usage: launch/mpirun.sh [--hostfile FILE] [--grace SECONDS] N ARGS..., more with --help")
        return USAGE_ERROR
    return Supervisor(request, command, environment, binary.name).run()


if __name__ == "__main__":
    sys.exit(main())
