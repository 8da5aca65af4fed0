"""Where this interpreter's packages keep a BLAS: prints FILE:SYMBOL of `openblas` (in NumPy) or `mkl`."""
import pathlib
import sys
import sysconfig

library = sys.argv[1]
if library == "openblas":
    import numpy

    folder = pathlib.Path(numpy.__file__).parents[1] / "numpy.libs"
    found, symbol = sorted(folder.glob("libscipy_openblas64_*")), "scipy_cblas_sgemm64_"
else:
    found, symbol = sorted(pathlib.Path(sysconfig.get_path("data"), "lib").glob("libmkl_rt.so*")), "cblas_sgemm"
if not found:
    sys.exit(f"{library} is not among the packages of {sys.executable}")
print(f"{found[0]}:{symbol}")
