//! Every error that a function of this library can answer: its name in C, its number, its words. The header's list and
//! the messages are made of this one.

use rnnlm::{CheckpointError, ConfigError, ParameterError, StepError};

/// What can go wrong.
pub struct Named {
    /// Its name in C, behind `RNNLM_ERROR_`.
    #[allow(dead_code)] // the header's
    pub name: &'static str,
    pub code: u16,
    pub text: &'static str,
}

// What only C can do wrong has the numbers below 100, which the library doesn't use.
pub const NULL_POINTER: Named = own("NULL_POINTER", 1, "a pointer is null where there must be something");
pub const MISALIGNED: Named =
    own("MISALIGNED", 2, "memory doesn't begin at a multiple of the size of its elements: declare it by its type");
pub const NOT_INITIALIZED: Named =
    own("NOT_INITIALIZED", 3, "the handle was not made by the init function of its kind");
pub const OVERLAP: Named = own("OVERLAP", 4, "two pieces of memory overlap: give each its own");
pub const NOT_IN_PLACE: Named = own(
    "NOT_IN_PLACE",
    5,
    "the weights can't be used where they are: align the file to 8 bytes, or load it into a model",
);
pub const NOTHING_TO_DRAW: Named = own("NOTHING_TO_DRAW", 6, "no word that may be drawn has a probability above zero");

/// All, by their numbers. Those of texts, epochs, heaps and devices can't come up here.
pub const ALL: [Named; 45] = [
    NULL_POINTER,
    MISALIGNED,
    NOT_INITIALIZED,
    OVERLAP,
    NOT_IN_PLACE,
    NOTHING_TO_DRAW,
    config("CONFIG_ZERO_SIZE", ConfigError::ZeroSize),
    config("CONFIG_TOO_LARGE", ConfigError::TooLarge),
    config("CONFIG_OUT_OF_MEMORY", ConfigError::OutOfMemory),
    config("CONFIG_SHAPES_DIFFER", ConfigError::ShapesDiffer),
    config("CONFIG_MATRIX_LENGTH", ConfigError::MatrixLength { needed: 0, given: 0 }),
    own(
        "CONFIG_BUFFER_LENGTH",
        ConfigError::BufferLength { needed: 0, given: 0 }.code(),
        "memory is too short: take its length from the macro RNNLM_..._LEN",
    ),
    config("CONFIG_BATCH_SIZE", ConfigError::BatchSize { given: 0 }),
    parameter("PARAMETER_LEARNING_RATE", ParameterError::LearningRate),
    parameter("PARAMETER_MAX_NORM", ParameterError::MaxNorm),
    parameter("PARAMETER_DECAY", ParameterError::Decay),
    parameter("PARAMETER_BEST_LOSS", ParameterError::BestLoss),
    parameter("PARAMETER_TEMPERATURE", ParameterError::Temperature),
    parameter("PARAMETER_TRAINING_STATE", ParameterError::TrainingState),
    step("STEP_LENGTH", StepError::Length { needed: 0, given: 0 }),
    step("STEP_ID_OUT_OF_RANGE", StepError::IdOutOfRange { id: 0 }),
    step("STEP_NON_FINITE_LOSS", StepError::NonFiniteLoss),
    step("STEP_NON_FINITE_PREDICTION", StepError::NonFinitePrediction),
    step("STEP_NON_FINITE_UPDATE", StepError::NonFiniteUpdate),
    step("STEP_OTHER_SIZES", StepError::OtherSizes),
    step("STEP_STEP_IS_DUE", StepError::StepIsDue),
    file("CHECKPOINT_TRUNCATED", CheckpointError::Truncated),
    file("CHECKPOINT_HEADER", CheckpointError::Header { at: 0 }),
    file("CHECKPOINT_UNKNOWN_TENSOR", CheckpointError::UnknownTensor { at: 0 }),
    file("CHECKPOINT_DUPLICATE", CheckpointError::Duplicate { at: 0 }),
    file("CHECKPOINT_MISSING", CheckpointError::Missing { tensor: "" }),
    file("CHECKPOINT_TYPE", CheckpointError::Type { tensor: "" }),
    file("CHECKPOINT_SHAPE", CheckpointError::Shape { tensor: "" }),
    file("CHECKPOINT_LAYOUT", CheckpointError::Layout),
    file("CHECKPOINT_CHECKSUM", CheckpointError::Checksum),
    file("CHECKPOINT_VERSION", CheckpointError::Version { found: 0 }),
    file("CHECKPOINT_TRAINING", CheckpointError::Training),
    file("CHECKPOINT_WORDS", CheckpointError::Words),
    file("CHECKPOINT_NOT_FINITE", CheckpointError::NotFinite { tensor: "" }),
    own(
        "CHECKPOINT_OTHER_SIZES",
        CheckpointError::OtherSizes.code(),
        "the model has other sizes than the file: rnnlm_file_config tells those",
    ),
    own(
        "CHECKPOINT_BUFFER_LENGTH",
        CheckpointError::BufferLength { needed: 0, given: 0 }.code(),
        "the page is too short: it must have 8 bytes or more",
    ),
    own(
        "CHECKPOINT_NOT_SAFETENSORS",
        CheckpointError::NotSafetensors.code(),
        "not a safetensors file: what is there was not saved by this library or by Python's safetensors",
    ),
    file("CHECKPOINT_DUPLICATE_WORD", CheckpointError::DuplicateWord { id: 0 }),
    file("CHECKPOINT_MID_STEP", CheckpointError::MidStep),
    file("CHECKPOINT_PENDING", CheckpointError::Pending),
];

const fn own(name: &'static str, code: u16, text: &'static str) -> Named {
    Named { name, code, text }
}

const fn config(name: &'static str, error: ConfigError) -> Named {
    own(name, error.code(), error.as_str())
}

const fn parameter(name: &'static str, error: ParameterError) -> Named {
    own(name, error.code(), error.as_str())
}

const fn step(name: &'static str, error: StepError) -> Named {
    own(name, error.code(), error.as_str())
}

const fn file(name: &'static str, error: CheckpointError) -> Named {
    own(name, error.code(), error.as_str())
}
