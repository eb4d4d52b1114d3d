"""The training step of causalfm in idiomatic PyTorch.

usage: pytorch_rival.py time|embed FILE [--compile] [--precision float32|bfloat16] [--threads N]

Answers every line "run N" with the seconds of N steps, on the clock and of the process's processors. FILE is what
`benchmark_training_step dump` writes: configuration, batch and initial weights. The networks are in rival/. Where RANK,
WORLD_SIZE, MASTER_ADDR and MASTER_PORT are set, as by torchrun, this is a rank of a data-parallel job over gloo, and
every rank is to be asked at once.
"""
import argparse
import os
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent / "rival"))
from bench import Bench, PRECISIONS, read_dump  # noqa: E402


def serve(work):
    for line in sys.stdin:
        count = int(line.split()[1])
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(count):
            work()
        print(f"{time.perf_counter() - wall:.6f} {time.process_time() - processor:.6f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=("time", "embed"), help="training steps, or latents without gradients")
    parser.add_argument("file")
    parser.add_argument("--compile", action="store_true", help="by torch.compile instead of eager")
    parser.add_argument("--precision", choices=PRECISIONS, help="default: the file's; bfloat16 is autocast")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if "RANK" in os.environ:
        torch.distributed.init_process_group("gloo")
    bench = Bench(read_dump(arguments.file), arguments.precision, arguments.compile)
    serve(bench.train if arguments.work == "time" else bench.embed)


if __name__ == "__main__":
    main()
