"""What float32 NumPy errs in the gradients of large vocabularies, against float64, on the sizes of the test
`gradients_of_large_vocabularies` in tests/bits/gradients.rs.

    python tests/data/generate/accuracy.py
"""
import numpy as np

from reference import NAMES, init, step

N, T = 20, 35

for V, D, H in (10_000, 100, 100), (70_000, 16, 16):
    rng = np.random.default_rng(1)
    exact = init(rng, V, D, H)
    single = {name: w.astype(np.float32) for name, w in exact.items()}
    xs, ts = rng.integers(0, V, size=(2, N, T))
    _, expected, h = step(exact, np.zeros((N, H)), xs, ts)
    _, ours, h32 = step(single, np.zeros((N, H), np.float32), xs, ts)
    assert h32.dtype == np.float32
    print(f"V={V} D={D} H={H} N={N} T={T}, float32 NumPy {np.__version__}: largest error over largest element")
    for name in NAMES:
        assert ours[name].dtype == np.float32
        print(f"  {name}: {np.abs(ours[name] - expected[name]).max() / np.abs(expected[name]).max():.1e}")
