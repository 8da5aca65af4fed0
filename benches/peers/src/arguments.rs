//! The command line.

use lexopt::{Arg::Long, Parser, ValueExt};

use crate::{Failure, steps::PEERS, workload::Cell};

pub const HELP: &str = "\
Measures rnnlm and its peers side by side and prints Markdown tables.

--cell rnn|lstm    the recurrent cell: tanh, or an LSTM (rnn)
--workloads SMLE   which of the workloads S, M, L, E
--seconds 3        time for each implementation and workload
--only a,b         rnnlm, ndarray, matrixmultiply, gemm, candle, burn, rust-lstm, c, numpy, torch, jax; ndarray and
                   candle have no LSTM here, rust-lstm has nothing else
--threads 1        of everyone who can use some
--products         the matrix products of the workloads instead of their steps, with tanh

PYTHON names the interpreter for numpy, torch and jax; python3 by default. c is the step in C on the OpenBLAS of its
NumPy and the MKL of its packages, or on OPENBLAS=FILE:SYMBOL and MKL=FILE:SYMBOL; CC names the compiler.
";

pub struct Arguments {
    pub cell: Cell,
    pub workloads: String,
    pub seconds: f64,
    pub only: Option<Vec<String>>,
    pub products: bool,
    pub threads: usize,
}

impl Arguments {
    /// None where help is asked for.
    pub fn parse() -> Result<Option<Self>, Failure> {
        let mut arguments =
            Self { cell: Cell::Tanh, workloads: "SMLE".into(), seconds: 3.0, only: None, products: false, threads: 1 };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") => return Ok(None),
                Long("cell") => {
                    let name = parser.value()?.string()?;
                    let cell = [Cell::Tanh, Cell::Lstm].into_iter().find(|cell| cell.name() == name);
                    arguments.cell = cell.ok_or(format!("no cell {name}: name rnn or lstm"))?;
                }
                Long("workloads") => arguments.workloads = parser.value()?.string()?.to_uppercase(),
                Long("seconds") => arguments.seconds = parser.value()?.parse()?,
                Long("only") => {
                    arguments.only = Some(parser.value()?.string()?.split(',').map(String::from).collect());
                }
                Long("threads") => arguments.threads = parser.value()?.parse::<std::num::NonZeroUsize>()?.get(),
                Long("products") => arguments.products = true,
                other => return Err(other.unexpected().into()),
            }
        }
        if let Some(unknown) = arguments.workloads.chars().find(|name| !"SMLE".contains(*name)) {
            return Err(format!("no workload {unknown}: name some of SMLE").into());
        }
        if !(arguments.seconds > 0.0 && arguments.seconds.is_finite()) {
            return Err("--seconds must be above zero".into());
        }
        if arguments.products && arguments.cell != Cell::Tanh {
            return Err("--products are those of the tanh cell".into());
        }
        let names = arguments.only.iter().flatten();
        if let Some(unknown) = names.into_iter().find(|name| PEERS.iter().all(|peer| peer.key != **name)) {
            return Err(format!("no peer {unknown}: --help lists them").into());
        }
        Ok(Some(arguments))
    }

    pub fn includes(&self, key: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == key))
    }
}
