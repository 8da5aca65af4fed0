"""Fits the polynomial coefficients of src/kernels/exp.rs and src/kernels/scalar.rs and prints them as float32 bits.

    pip install numpy mpmath && python tests/data/generate/coefficients.py

Each fit is a minimax fit by Lawson's iteratively reweighted least squares on Chebyshev nodes. For exp and ln the
coefficients are rounded to float32 one after the other, lowest first, and the rest is fitted anew each time; for sin
and cos they are rounded after one fit.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 40


def lawson(f, weight, lo, hi, degree, fixed):
    nodes = (lo + hi) / 2 + (hi - lo) / 2 * np.cos(np.pi * (np.arange(1500) + 0.5) / 1500)
    exact = [mp.mpf(float(x)) for x in nodes]
    target = np.array([float(f(x)) for x in exact])
    w = np.array([float(weight(x)) for x in exact])
    powers = np.stack([nodes**i for i in range(degree + 1)], 1)
    free = [i for i in range(degree + 1) if i not in fixed]
    rest = target - sum((powers[:, i] * c for i, c in fixed.items()), np.zeros(len(nodes)))
    mass, best = np.ones(len(nodes)) / len(nodes), None
    for _ in range(150):
        s = np.sqrt(mass) * w
        c, *_ = np.linalg.lstsq(powers[:, free] * s[:, None], rest * s, rcond=None)
        error = np.abs((powers[:, free] @ c - rest) * w)
        if best is None or error.max() < best[0]:
            best = (error.max(), dict(zip(free, c)))
        mass = mass * error
        mass /= mass.sum()
    return {**fixed, **best[1]}


def one_by_one(f, weight, lo, hi, degree, fixed):
    fixed = dict(fixed)
    for i in range(degree + 1):
        if i not in fixed:
            fixed[i] = float(np.float32(lawson(f, weight, lo, hi, degree, fixed)[i]))
    return [fixed[i] for i in range(degree + 1)]


def at_once(f, weight, lo, hi, degree):
    c = lawson(f, weight, lo, hi, degree, {})
    return [float(np.float32(c[i])) for i in range(degree + 1)]


def show(name, coefficients):
    print(name, " ".join("%08x" % np.float32(c).view(np.uint32) for c in coefficients))


def main():
    half_ln2 = float(mp.log(2) / 2) * 1.0001

    def q(r):
        return (mp.expm1(r) - r) / r**2 if abs(r) > mp.mpf("1e-6") else mp.mpf("0.5") + r / 6 + r * r / 24

    show("q", one_by_one(q, lambda r: abs(r * r / mp.expm1(r)) if r else mp.mpf(0), -half_ln2, half_ln2, 4, {0: 0.5}))

    largest = float((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) * 1.0001

    def series(z):
        s = mp.sqrt(z)
        return (mp.log((1 + s) / (1 - s)) / s - 2) / z if z > mp.mpf("1e-8") else mp.mpf(2) / 3 + z * 2 / 5

    show("L", one_by_one(series, lambda z: z / 2, 0.0, largest**2, 2, {}))

    quarter = mp.pi / 2
    sin = lambda z: mp.sin(quarter * mp.sqrt(z)) / mp.sqrt(z) if z > 0 else quarter
    cos = lambda z: mp.cos(quarter * mp.sqrt(z))
    show("SIN", at_once(sin, lambda z: 1 / sin(z), 0.0, 0.25, 3))
    show("COS", at_once(cos, lambda z: 1 / cos(z), 0.0, 0.25, 4))


if __name__ == "__main__":
    main()
