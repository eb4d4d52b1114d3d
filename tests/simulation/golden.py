"""Prints the values of golden_test.cpp: the default universe once more, from the published definitions alone.

Philox4x32-10 with keys and counters as in causalfm/philox.hpp, Box and Muller, Fisher and Yates, arXiv 2507.05333
Eqs. 1-4. Shares no code with the simulator.
"""
from math import cos, exp, log, pi, sin, sqrt

STARS, INSTRUMENTS, CURVES, K, TERMS, LENGTH = 2000, 17, 20, 13, 17, 100
SEED, ALPHA, LAMBDA, SCATTER, NOISE = 1, 1.0, 0.5, 0.3, 0.03
STELLAR, PHASES, SCALE, OFFSET, NOISE_STREAM, ASSIGNMENT = range(1, 7)
WORD, LONG = 2**32 - 1, 2**64 - 1


def mix(value):
    value = (value + 0x9E3779B97F4A7C15) & LONG
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & LONG
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & LONG
    return value ^ (value >> 31)


def philox(stream, high, low):
    key = mix(mix(SEED) ^ stream)
    keys = [key & WORD, key >> 32]
    c = [low & WORD, low >> 32, high & WORD, high >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ keys[0], b & WORD, (a >> 32) ^ c[3] ^ keys[1], a & WORD]
        keys = [(keys[0] + 0x9E3779B9) & WORD, (keys[1] + 0xBB67AE85) & WORD]
    return (c[0] << 32) | c[1], (c[2] << 32) | c[3]


def uniforms(stream, owner, draw):
    return [(word >> 11) / 2**53 for word in philox(stream, owner, draw // 16 * 8 + draw % 8)]


def uniform(stream, owner, draw):
    return uniforms(stream, owner, draw)[draw % 16 // 8]


def normal(stream, owner, draw):
    first, second = uniforms(stream, owner, draw)
    return sqrt(-2 * log(1 - first)) * (cos, sin)[draw % 16 // 8](2 * pi * second)


def instruments_of(star):
    block = -1

    def below(bound):
        nonlocal block
        block += 1
        return philox(ASSIGNMENT, star, block)[0] * bound >> 64

    def to_front(elements, count):
        for i in range(min(count, len(elements) - 1)):
            j = i + below(len(elements) - i)
            elements[i], elements[j] = elements[j], elements[i]

    pool = list(range(INSTRUMENTS))
    assigned = pool * (CURVES // INSTRUMENTS)
    to_front(pool, CURVES % INSTRUMENTS)
    assigned += pool[:CURVES % INSTRUMENTS]
    to_front(assigned, CURVES)
    return assigned


def flux(observation, t):
    star = observation // CURVES
    instrument = instruments_of(star)[observation % CURVES]
    theta = [normal(STELLAR, star, k) for k in range(K)]
    period = LENGTH * exp(SCATTER * theta[0]) * LAMBDA
    true = sum(theta[k] / k**ALPHA * cos(2 * pi * (uniform(PHASES, observation, k) + k * t / period))
               for k in range(1, K))
    terms = [0.05 * sum(normal(stream, instrument, j) * cos(pi * j * t / LENGTH) for j in range(TERMS))
             for stream in (SCALE, OFFSET)]
    clean = max(-1, min(1, (1 + terms[0]) * true + terms[1]))
    return clean + NOISE * normal(NOISE_STREAM, observation, t)


def show(name, values):
    print(name, ", ".join(f"{value:.9f}" if isinstance(value, float) else str(value) for value in values))


if __name__ == "__main__":
    show("theta of star 3:", [normal(STELLAR, 3, k) * (SCATTER if k == 0 else 1) for k in (0, 1, 7, 8, 12)])
    show("phi of observation 61:", [2 * pi * uniform(PHASES, 61, k + 1) for k in (0, 1, 6, 7, 11)])
    show("beta of instrument 16:", [normal(SCALE, 16, j) for j in (0, 1, 8, 15, 16)])
    show("gamma of instrument 16:", [normal(OFFSET, 16, j) for j in (0, 1, 8, 15, 16)])
    for star in (0, 1999):
        show(f"instruments of star {star}:", instruments_of(star))
    for observation in (0, 1, 777, 39999):
        show(f"flux of observation {observation}:", [flux(observation, t) for t in (0, 1, 15, 16, 50, 99)])
