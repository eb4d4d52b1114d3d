"""Times the simulator against NumPy on the paper's 40,000 light curves, one thread, and checks that they agree.

usage: compare.py BENCHMARK_SIMULATION [REPETITIONS]

The three take turns, so that a machine that slows down slows all of them, and processor time is counted, so that a
machine shared with others does not matter. NumPy is given the parameters of stars, phases and instruments for nothing
and draws only the noise; the simulator draws everything.
"""
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS, INSTRUMENTS, K, TERMS, LENGTH = 40_000, 17, 13, 17, 100
ALPHA, LAMBDA, NOISE, STRENGTH = 1.0, 0.5, 0.03, 0.05
CHUNK = 2000  # rows at a time: fastest of 50 to 40,000 for either form, as temporaries then stay in cache


class Truth:
    def __init__(self, folder):
        def read(name, *shape):
            return np.fromfile(Path(folder, name), name.rpartition(".")[2]).reshape(shape)

        self.instrument = read("instrument.i4", ROWS)
        self.theta = read("theta.f8", ROWS, K)
        self.phi = read("phi.f8", ROWS, K - 1)
        self.beta = read("beta.f8", INSTRUMENTS, TERMS)
        self.gamma = read("gamma.f8", INSTRUMENTS, TERMS)
        self.noiseless = read("noiseless.f8", ROWS, LENGTH)
        self.flux = read("flux.f4", ROWS, LENGTH)


def direct(amplitude, phi, angle):
    """A cosine for every harmonic of every sample."""
    total = np.zeros_like(angle)
    for k in range(1, K):
        total += amplitude[:, k - 1, None] * np.cos(k * angle + phi[:, k - 1, None])
    return total


def recurrence(amplitude, phi, angle):
    """One cosine and one sine a sample, cos and sin of k angle by 2 cos(angle): fastest of four recurrences tried."""
    even, odd = amplitude * np.cos(phi), -amplitude * np.sin(phi)
    cosine, sine = np.cos(angle), np.sin(angle)
    twice = 2 * cosine
    cosine_before, sine_before = np.ones_like(angle), np.zeros_like(angle)
    total = even[:, :1] * cosine + odd[:, :1] * sine
    for k in range(2, K):
        cosine, cosine_before = twice * cosine - cosine_before, cosine
        sine, sine_before = twice * sine - sine_before, sine
        total += even[:, k - 1, None] * cosine
        total += odd[:, k - 1, None] * sine
    return total


def simulate(star_signal, truth, generator=None):
    """Eqs. 1-4; with a generator float32 light curves, without one the float64 curves before the noise."""
    t = np.arange(LENGTH)
    basis = np.cos(np.pi * np.arange(TERMS)[:, None] * t / LENGTH)
    scale, offset = 1 + STRENGTH * truth.beta @ basis, STRENGTH * truth.gamma @ basis
    amplitude = truth.theta[:, 1:] / np.arange(1, K) ** ALPHA
    step = 2 * np.pi / (LENGTH * np.exp(truth.theta[:, 0]) * LAMBDA)
    result = np.empty((ROWS, LENGTH), np.float64 if generator is None else np.float32)
    for start in range(0, ROWS, CHUNK):
        rows = slice(start, start + CHUNK)
        flux = star_signal(amplitude[rows], truth.phi[rows], step[rows, None] * t)
        flux *= scale[truth.instrument[rows]]
        flux += offset[truth.instrument[rows]]
        np.clip(flux, -1, 1, out=flux)
        if generator is not None:
            flux += NOISE * generator.standard_normal(flux.shape)
        result[rows] = flux
    return result


def check(truth):
    for star_signal in (direct, recurrence):
        worst = np.abs(simulate(star_signal, truth) - truth.noiseless).max()
        print(f"largest difference from NumPy's {star_signal.__name__} form before the noise: {worst:.1e}")
        if not worst < 1e-12:
            sys.exit(f"the simulator and NumPy's {star_signal.__name__} form disagree")
    residual = (truth.flux - truth.noiseless).std()
    print(f"standard deviation of the noise: {residual:.6f}, configured {NOISE}")
    if not abs(residual / NOISE - 1) < 4 / np.sqrt(2 * ROWS * LENGTH):
        sys.exit("the noise of the simulator has another deviation than configured")


def main(program, repetitions):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "dump", folder], check=True)
        truth = Truth(folder)
    check(truth)
    seconds = {"causalfm": [], "NumPy, recurrence": [], "NumPy, direct cosines": []}
    for repetition in range(repetitions):
        seconds["causalfm"].append(float(subprocess.check_output([program, "time"])))
        for name, star_signal in (("NumPy, recurrence", recurrence), ("NumPy, direct cosines", direct)):
            generator = np.random.default_rng(repetition)
            start = time.process_time()
            simulate(star_signal, truth, generator)
            seconds[name].append(time.process_time() - start)
    ours = statistics.median(seconds["causalfm"])
    print(f"\n{ROWS:,} light curves of {LENGTH} samples, one thread, processor time, {repetitions} repetitions in turn\n")
    print("| | median, ms | least, ms | most, ms | median over causalfm's |")
    print("|---|---|---|---|---|")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"| {name} | {1e3 * median:.1f} | {1e3 * min(values):.1f} | {1e3 * max(values):.1f} "
              f"| {median / ours:.1f} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9)
