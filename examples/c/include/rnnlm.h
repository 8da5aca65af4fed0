/*
 * rnnlm: a small recurrent language model that trains and runs in the caller's memory.
 *
 * Made by `cargo run --bin header`; don't edit.
 *
 * V vocabulary size, D word vector size, H hidden size, N batch size, T time size.
 *
 * Every function that can fail answers RNNLM_OK or the number of an error, and what it was given is
 * then as it was, unless its text says otherwise. Null pointers, memory that is too short, not
 * aligned or lent already, and handles that were never made are such errors. A pointer through
 * which a function tells something may be null only where its text says so.
 *
 * What no function can check is the caller's: that as much memory is there as is said, that it is
 * not freed or changed while it is lent, and that no two calls which share memory run at the same
 * time, in threads or in interrupts.
 */
#ifndef RNNLM_H
#define RNNLM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that this header belongs to. */
#define RNNLM_VERSION "0.1.0"

/* RNNLM_OK, the number of an error, or what a function of the caller answered. */
typedef int32_t rnnlm_status;

typedef char rnnlm_float_has_four_bytes[sizeof(float) == 4 ? 1 : -1];

/* Errors, by what they are about. The text is what rnnlm_error_message tells. */
enum {
    /* done */
    RNNLM_OK = 0,
    /* a pointer is null where there must be something */
    RNNLM_ERROR_NULL_POINTER = 1,
    /* memory doesn't begin at a multiple of the size of its elements: declare it by its type */
    RNNLM_ERROR_MISALIGNED = 2,
    /* the handle was not made by the init function of its kind */
    RNNLM_ERROR_NOT_INITIALIZED = 3,
    /* two pieces of memory overlap: give each its own */
    RNNLM_ERROR_OVERLAP = 4,
    /*
     * the weights can't be used where they are: align the file to 8 bytes, or load it into a
     * model
     */
    RNNLM_ERROR_NOT_IN_PLACE = 5,
    /* no word that may be drawn has a probability above zero */
    RNNLM_ERROR_NOTHING_TO_DRAW = 6,
    /* a size is zero: every size of the configuration must be at least 1 */
    RNNLM_ERROR_CONFIG_ZERO_SIZE = 101,
    /* the sizes need more memory than can be addressed: choose smaller ones */
    RNNLM_ERROR_CONFIG_TOO_LARGE = 102,
    /* the memory was refused: choose smaller sizes */
    RNNLM_ERROR_CONFIG_OUT_OF_MEMORY = 103,
    /* the matrices don't belong together: take all six from one model */
    RNNLM_ERROR_CONFIG_SHAPES_DIFFER = 104,
    /* a matrix has another number of elements than rows times columns */
    RNNLM_ERROR_CONFIG_MATRIX_LENGTH = 105,
    /* memory is too short: take its length from the macro RNNLM_..._LEN */
    RNNLM_ERROR_CONFIG_BUFFER_LENGTH = 106,
    /* the model reads several rows side by side: build it with a batch size of 1 */
    RNNLM_ERROR_CONFIG_BATCH_SIZE = 107,
    /* the learning rate must be a finite number above zero */
    RNNLM_ERROR_PARAMETER_LEARNING_RATE = 201,
    /* the largest norm of the gradients must be above zero */
    RNNLM_ERROR_PARAMETER_MAX_NORM = 202,
    /* the learning rate must be divided by a finite number of at least 1 */
    RNNLM_ERROR_PARAMETER_DECAY = 203,
    /* the best loss must be a number above minus infinity: infinity stands for none so far */
    RNNLM_ERROR_PARAMETER_BEST_LOSS = 204,
    /* the temperature must be 0 or a finite number of at least 3e-39 */
    RNNLM_ERROR_PARAMETER_TEMPERATURE = 205,
    /*
     * the training state has losses or counts that it can't have: take one from a trainer or a
     * checkpoint
     */
    RNNLM_ERROR_PARAMETER_TRAINING_STATE = 206,
    /* a slice has another length than the model's sizes need */
    RNNLM_ERROR_STEP_LENGTH = 301,
    /* a token id is not below the vocabulary size: build the model for this vocabulary */
    RNNLM_ERROR_STEP_ID_OUT_OF_RANGE = 302,
    /*
     * the loss is not finite, the weights were left as they were: start from other weights, or
     * train them at a lower learning rate
     */
    RNNLM_ERROR_STEP_NON_FINITE_LOSS = 303,
    /*
     * the prediction is not finite, what was read is forgotten: take weights and a hidden state
     * that are
     */
    RNNLM_ERROR_STEP_NON_FINITE_PREDICTION = 304,
    /*
     * the gradients or the update are not finite, the weights were left as they were: lower the
     * learning rate
     */
    RNNLM_ERROR_STEP_NON_FINITE_UPDATE = 305,
    /* the sizes differ from the model's: make both from the same Config */
    RNNLM_ERROR_STEP_OTHER_SIZES = 306,
    /* a step is due, the event was not read: let the learner learn, then read it again */
    RNNLM_ERROR_STEP_STEP_IS_DUE = 307,
    /* the file is cut short: fetch it again, or load an older one */
    RNNLM_ERROR_CHECKPOINT_TRUNCATED = 501,
    /* the header is no safetensors header: save the file anew */
    RNNLM_ERROR_CHECKPOINT_HEADER = 502,
    /* the header names a tensor that is none of a model's */
    RNNLM_ERROR_CHECKPOINT_UNKNOWN_TENSOR = 503,
    /* the header names a tensor a second time: save the file with one of each */
    RNNLM_ERROR_CHECKPOINT_DUPLICATE = 504,
    /* a tensor is missing: a file has six weights alone, or all ten tensors */
    RNNLM_ERROR_CHECKPOINT_MISSING = 505,
    /* a tensor has another type than it must: save weights as float32 */
    RNNLM_ERROR_CHECKPOINT_TYPE = 506,
    /* a tensor has another type, shape or length than belongs to the other tensors */
    RNNLM_ERROR_CHECKPOINT_SHAPE = 507,
    /* the tensors overlap, leave gaps or stand in another order: save the file anew */
    RNNLM_ERROR_CHECKPOINT_LAYOUT = 508,
    /* the checksum is wrong, the file was damaged: fetch it again, or load an older one */
    RNNLM_ERROR_CHECKPOINT_CHECKSUM = 509,
    /* the file has a version of the format that this program doesn't read */
    RNNLM_ERROR_CHECKPOINT_VERSION = 510,
    /* the training state has values that it can't have */
    RNNLM_ERROR_CHECKPOINT_TRAINING = 511,
    /* the vocabulary is not one word for each id, each ended by a newline */
    RNNLM_ERROR_CHECKPOINT_WORDS = 512,
    /* a tensor holds NaN or infinity: such a model can't be used */
    RNNLM_ERROR_CHECKPOINT_NOT_FINITE = 513,
    /* the model has other sizes than the file: rnnlm_file_config tells those */
    RNNLM_ERROR_CHECKPOINT_OTHER_SIZES = 514,
    /* the page is too short: it must have 8 bytes or more */
    RNNLM_ERROR_CHECKPOINT_BUFFER_LENGTH = 515,
    /*
     * not a safetensors file: what is there was not saved by this library or by Python's
     * safetensors
     */
    RNNLM_ERROR_CHECKPOINT_NOT_SAFETENSORS = 516,
    /* a word of the vocabulary stands there twice: list each word once */
    RNNLM_ERROR_CHECKPOINT_DUPLICATE_WORD = 517,
    /* the learner is amid a step: let it learn to the end of the step, then save */
    RNNLM_ERROR_CHECKPOINT_MID_STEP = 518,
    /* the pending events are damaged, or not those of this model: load an older record */
    RNNLM_ERROR_CHECKPOINT_PENDING = 519
};

/* How many errors there are. */
#define RNNLM_ERRORS 45

/*
 * How much memory is needed, as constants for the sizes of arrays. The results are numbers of
 * elements, of type size_t; products that overflow are refused when the memory is used.
 */

/*
 * The cell of all models: tanh, or with RNNLM_LSTM defined, for a library of that feature, the LSTM:
 * gates, states, what is kept beside them for the backward pass, and the header of a file.
 */
#ifdef RNNLM_LSTM
#define RNNLM_CELL "lstm"
#define RNNLM_GATES 4
#define RNNLM_STATES 2
#define RNNLM_KEPT 5
#define RNNLM_FILE_HEADER 971
#else
#define RNNLM_CELL "tanh"
#define RNNLM_GATES 1
#define RNNLM_STATES 1
#define RNNLM_KEPT 0
#define RNNLM_FILE_HEADER 963
#endif

#define RNNLM_LARGER(a, b) ((size_t)(a) > (size_t)(b) ? (size_t)(a) : (size_t)(b))
#define RNNLM_SMALLER(a, b) ((size_t)(a) < (size_t)(b) ? (size_t)(a) : (size_t)(b))

/* The floats of a model's weights. */
#define RNNLM_WEIGHTS_LEN(V, D, H) \
    (((size_t)(V) + RNNLM_GATES * (size_t)(H)) * ((size_t)(D) + (size_t)(H) + 1))

/* What products pack, in floats, at most: nothing where the processor has no vectors. */
#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64)
#define RNNLM_SCRATCH_LEN(V, D, H, R) \
    (RNNLM_SMALLER(((size_t)(V) + (H)) * ((size_t)(H) + 15) + (size_t)(H) * ((size_t)(D) + 15), \
                   98304) + \
     (size_t)(H) * ((size_t)(H) + 15) + 15 + \
     ((V) < 512 && (H) < 512 ? 0 : 192 * ((size_t)(H) + (R)) + (size_t)(R) * ((size_t)(H) + (D))))
#else
#define RNNLM_SCRATCH_LEN(V, D, H, R) ((size_t)0)
#endif

/* The floats of a model's workspace: exactly, or an upper bound where the processor has vectors. */
#define RNNLM_WORKSPACE_LEN(V, D, H, N, T) \
    (2 * RNNLM_STATES * (size_t)(N) * (H) + \
     (size_t)(N) * (T) * \
         (2 * (size_t)(D) + (RNNLM_STATES + RNNLM_KEPT + 1) * (size_t)(H) + (V) + 1) + \
     RNNLM_SCRATCH_LEN(V, D, RNNLM_GATES * (size_t)(H), (size_t)(N) * (T)))

/* The floats of a learner's predictions. */
#define RNNLM_PREDICTION_LEN(V, H) \
    (RNNLM_STATES * (size_t)(H) + RNNLM_LARGER(V, (RNNLM_KEPT ? RNNLM_KEPT : 1) * (size_t)(H)))

/* The ids of a learner's window. */
#define RNNLM_IDS_LEN(T) (2 * (size_t)(T))

/* The floats of a predictor. */
#define RNNLM_PREDICTOR_LEN(V, H) (RNNLM_STATES * (size_t)(H) + RNNLM_PREDICTION_LEN(V, H))

/* The bytes of a file that rnnlm_model_save writes, at most; rnnlm_file_len tells how many. */
#define RNNLM_FILE_LEN(V, D, H, N) \
    (4 * (RNNLM_WEIGHTS_LEN(V, D, H) + RNNLM_STATES * (size_t)(N) * (H)) + 84 + RNNLM_FILE_HEADER)

/* A file whose weights are used where they are begins at a multiple of so many bytes. */
#define RNNLM_FILE_ALIGNMENT 8

/* A target that doesn't count. */
#define RNNLM_IGNORE ((uint32_t)0xffffffffu)

/* The sizes of a model and of its training windows. */
typedef struct rnnlm_config {
    /* V: the number of different words. */
    size_t vocab_size;
    /* D: the length of a word vector. */
    size_t wordvec_size;
    /* H: the length of the hidden state. */
    size_t hidden_size;
    /* N: the number of rows of text read side by side. */
    size_t batch_size;
    /* T: the number of time steps unrolled by truncated BPTT. */
    size_t time_size;
} rnnlm_config;

/*
 * The memory that a configuration needs, in elements of four bytes each: exactly, on the target
 * that this is compiled for.
 */
typedef struct rnnlm_memory {
    /* All weights (f32); stored gradients take the same again. */
    size_t weights;
    /* Activations of all T steps, the carried hidden state and scratch (f32). */
    size_t workspace;
    /*
     * The token ids of one window, inputs and targets: what a trainer, batches and an online
     * learner hold (u32).
     */
    size_t ids;
    /*
     * The hidden state and the probabilities of a predictor or an online learner: H + V, and
     * where H exceeds V, 2 H; of an LSTM 2 H + V, and where 5 H exceeds V, 7 H (f32).
     */
    size_t prediction;
} rnnlm_memory;

/* How well a token was foreseen. */
typedef struct rnnlm_score {
    /* The token. */
    uint32_t id;
    /*
     * Its cross-entropy in nats, that is -ln of its probability: never NaN, infinite for the
     * probability 0.
     */
    float loss;
    /*
     * Its place among all words from the likeliest, which is 1, to V. 0 where there was no
     * prediction.
     */
    size_t rank;
} rnnlm_score;

/* A word that may come next. */
typedef struct rnnlm_candidate {
    /* The word. */
    uint32_t id;
    /* Its probability. */
    float probability;
} rnnlm_candidate;

/* A generator of random numbers, the same on every machine; not for secrets. */
typedef struct rnnlm_rng {
    /* All that it is; keep it to go on later. */
    uint64_t state;
} rnnlm_rng;

/*
 * Where training stands, in numbers: together with the model (and the text) all that is needed
 * to go on as if it had never stopped. A checkpoint keeps it.
 */
typedef struct rnnlm_training {
    /* The learning rate of the next step: finite, above zero. */
    float learning_rate;
    /* The global norm to which gradients are clipped, above zero; infinity clips nothing. */
    float max_norm;
    /*
     * The learning rate is divided by this where validation does not improve: finite, at least
     * 1.
     */
    float decay;
    /* The lowest validation loss so far; infinity before the first. */
    float best_loss;
    /*
     * The losses of the steps of the epoch under way, added up: the sum, and what rounding has
     * lost of it; finite, and together not below zero.
     */
    float losses[2];
    /* Epochs completed. */
    uint64_t epoch;
    /* Steps done in the epoch under way. */
    uint64_t iteration;
    /* The read position in the corpus, in tokens. */
    uint64_t position;
    /* The seed that the run was started with. */
    uint64_t seed;
    /* The state of the random generator; never 0. */
    uint64_t rng;
} rnnlm_training;

/*
 * Handles: memory of the caller, in which such a thing lives. They may be copied and moved, and
 * own nothing; what is inside is the library's.
 */

/* A model over memory of the caller. */
typedef struct rnnlm_model {
    uintptr_t opaque[16];
} rnnlm_model;

/* Learns from a stream of events while it comes: predicts, scores, learns. */
typedef struct rnnlm_learner {
    uintptr_t opaque[24];
} rnnlm_learner;

/* Predicts from weights that are only read: a model's, or a file's in flash. */
typedef struct rnnlm_predictor {
    uintptr_t opaque[16];
} rnnlm_predictor;

/*
 * Takes a page of a file. Answers 0 to go on, or any number that saving then answers: one below
 * 0 is no error of this library. It must not use the model or change the page, and no C++
 * exception may leave it.
 */
typedef rnnlm_status (*rnnlm_sink)(void *context, const uint8_t *page, size_t len);

/* ---- What went wrong ---- */

/*
 * Says in English what is wrong and what to do. The text is constant and ends with a zero; for a
 * number that is no error of this library it says so. Never null.
 */
const char *rnnlm_error_message(rnnlm_status status);

/* The version of the library, which is RNNLM_VERSION where header and library belong together. */
const char *rnnlm_version(void);

/* ---- The cell of all models ---- */

/*
 * The cell of the library's models, "tanh" or "lstm": RNNLM_CELL, where header and library
 * belong together.
 */
const char *rnnlm_cell(void);

/* ---- Models ---- */

/*
 * Tells the lengths that these sizes need on this machine, exactly. The macros above give the
 * same at compile time; where the processor has vectors, RNNLM_WORKSPACE_LEN is an upper bound.
 */
rnnlm_status rnnlm_config_memory(const rnnlm_config *config, rnnlm_memory *memory);

/*
 * Makes a model of these sizes over the caller's memory, with the weights that are in it, and a
 * hidden state of zero. Where there are no weights yet, rnnlm_model_randomize or
 * rnnlm_model_load follows.
 *
 * Memory may be longer than needed. It stays lent to the model as long as that is used: the
 * caller may read it between two calls, and write weights only.
 */
rnnlm_status rnnlm_model_init(rnnlm_model *model, const rnnlm_config *config, float *weights,
        size_t weights_len, float *workspace, size_t workspace_len);

/*
 * Draws all weights anew and sets the hidden state to zero. The same seed gives the same weights
 * on every machine.
 */
rnnlm_status rnnlm_model_randomize(rnnlm_model *model, uint64_t seed);

/*
 * Takes one training step: reads the inputs xs and their targets ts, len = N T ids each, row by
 * row, and changes the weights by the rate times the gradient of the mean loss. A target of
 * RNNLM_IGNORE doesn't count. Tells the mean loss before the step unless loss is null. Where it
 * fails the model is as it was.
 */
rnnlm_status rnnlm_model_train(rnnlm_model *model, const uint32_t *xs, const uint32_t *ts,
        size_t len, float rate, float *loss);

/* Sets the carried hidden state to zero, as before the first window of a text. */
rnnlm_status rnnlm_model_reset_state(rnnlm_model *model);

/*
 * Scores a text of len tokens, at least 2, from a zero state: every token after the first is
 * foreseen once. Writes len - 1 scores unless scores is null, and tells the mean loss unless
 * loss is null; rnnlm_perplexity of that is the perplexity of the text. scores_len is the number
 * of scores for which there is room. Weights and hidden state stay.
 */
rnnlm_status rnnlm_model_score(rnnlm_model *model, const uint32_t *tokens, size_t len,
        rnnlm_score *scores, size_t scores_len, float *loss);

/* The perplexity of a mean loss: e to that power. */
float rnnlm_perplexity(float loss);

/*
 * Tells where the weights are and how many: embed.W (V,D), rnn.Wx (D,H), rnn.Wh (H,H), rnn.b
 * (H), affine.W (H,V), affine.b (V), one behind the other; of an LSTM lstm.Wx (D,4H), lstm.Wh
 * (H,4H), lstm.b (4H) in the place of rnn. len may be null.
 */
rnnlm_status rnnlm_model_weights(const rnnlm_model *model, const float **weights, size_t *len);

/*
 * Tells where the carried hidden state (N,H) is, behind it that of an LSTM's cell (N,H), and how
 * many numbers it has. len may be null.
 */
rnnlm_status rnnlm_model_state(const rnnlm_model *model, const float **state, size_t *len);

/*
 * Tells a hash of the weights and of the hidden state (FNV-1a over their bytes, little-endian):
 * equal models have equal hashes, on every machine.
 */
rnnlm_status rnnlm_model_hash(const rnnlm_model *model, uint64_t *hash);

/* ---- Learning from events ---- */

/*
 * Makes a learner that begins a stream of events. The model's N must be 1. It needs
 * RNNLM_PREDICTION_LEN floats and RNNLM_IDS_LEN ids, which stay lent to it, and so does the
 * model's memory: the model's handle may still be used to score, to save, to load and to look at
 * the weights. Its hidden state becomes zero.
 */
rnnlm_status rnnlm_learner_init(rnnlm_learner *learner, const rnnlm_model *model, float rate,
        float *prediction, size_t prediction_len, uint32_t *ids, size_t ids_len);

/*
 * Makes a learner that goes on, with the same bits, where another one was: the model as
 * rnnlm_model_load brought it back, and the ids that rnnlm_learner_pending gave of the other
 * one, which may be none.
 */
rnnlm_status rnnlm_learner_resume(rnnlm_learner *learner, const rnnlm_model *model, float rate,
        float *prediction, size_t prediction_len, uint32_t *ids, size_t ids_len,
        const uint32_t *pending, size_t pending_len);

/*
 * Scores an event by the prediction that the events before it gave, learns from it, and predicts
 * the next one. Every T events it takes a training step. The first event of a stream gets the
 * rank 0, no score; score may be null. After an error the weights are as they were and the
 * stream starts anew with the next event.
 */
rnnlm_status rnnlm_learner_observe(rnnlm_learner *learner, uint32_t id, rnnlm_score *score);

/*
 * Tells where the probabilities of the next event are, V of them, all 0 before the first. They
 * are good until the next call with this learner. len may be null.
 */
rnnlm_status rnnlm_learner_probabilities(const rnnlm_learner *learner, const float **probabilities,
        size_t *len);

/*
 * Copies the ids of the events that no training step has used yet, at most T, and tells how
 * many. Kept beside a file that was saved at the same time, they are what rnnlm_learner_resume
 * needs. capacity is the number of ids for which there is room.
 */
rnnlm_status rnnlm_learner_pending(const rnnlm_learner *learner, uint32_t *ids, size_t capacity,
        size_t *len);

/* Sets the learning rate of the steps to come. */
rnnlm_status rnnlm_learner_set_rate(rnnlm_learner *learner, float rate);

/* Forgets the events read, not what was learned from them. */
rnnlm_status rnnlm_learner_restart(rnnlm_learner *learner);

/* ---- Predicting ---- */

/*
 * Makes a predictor over weights, where rnnlm_model_weights or rnnlm_file_weights found them,
 * with a hidden state of zero. Of config V, D and H count; N and T must be above zero. It needs
 * RNNLM_PREDICTOR_LEN floats. Both stay lent to it; a model may be trained on, and its predictor
 * then uses the new weights.
 */
rnnlm_status rnnlm_predictor_init(rnnlm_predictor *predictor, const rnnlm_config *config,
        const float *weights, size_t weights_len, float *buffer, size_t buffer_len);

/*
 * Reads one token and tells where the probabilities of the next one are, V of them, unless
 * probabilities is null. They are good until the next call with this predictor. After an id that
 * is out of range it is as it was; after a prediction that is not finite, what was read is
 * forgotten.
 */
rnnlm_status rnnlm_predictor_feed(rnnlm_predictor *predictor, uint32_t id,
        const float **probabilities);

/*
 * As rnnlm_predictor_feed, with the logits divided by the temperature: below 1 the likely words
 * become likelier, above 1 all become more alike; at 0 the likeliest one is certain.
 */
rnnlm_status rnnlm_predictor_feed_at(rnnlm_predictor *predictor, uint32_t id, float temperature,
        const float **probabilities);

/* Sets the hidden state to zero: forgets what was read. */
rnnlm_status rnnlm_predictor_reset_state(rnnlm_predictor *predictor);

/*
 * Sets the hidden state, H numbers, of an LSTM H more of its cell: one from
 * rnnlm_predictor_state, or a row of rnnlm_model_state.
 */
rnnlm_status rnnlm_predictor_set_state(rnnlm_predictor *predictor, const float *state, size_t len);

/*
 * Tells where the hidden state is, H numbers, of an LSTM H more of its cell: all that the
 * predictor knows of what was read.
 */
rnnlm_status rnnlm_predictor_state(const rnnlm_predictor *predictor, const float **state);

/* ---- From probabilities to words ---- */

/* Starts a generator; any seed will do. */
rnnlm_status rnnlm_rng_init(rnnlm_rng *rng, uint64_t seed);

/* A random integer below bound; 0 where the bound is 0 or rng is null. */
uint32_t rnnlm_rng_below(rnnlm_rng *rng, uint32_t bound);

/*
 * Fills best with the likeliest words that are not in skip, the likeliest first and among equals
 * the lower id first. Tells how many were found, at most capacity, unless found is null. skip
 * may be null where skip_len is 0.
 */
rnnlm_status rnnlm_top(const float *probabilities, size_t len, const uint32_t *skip,
        size_t skip_len, rnnlm_candidate *best, size_t capacity, size_t *found);

/*
 * Draws a word by its share of the probabilities, of the count likeliest words alone; of all
 * where count is 0. best is room for these count candidates, and may be null for none. The same
 * for the same probabilities and generator on every machine.
 */
rnnlm_status rnnlm_sample(const float *probabilities, size_t len, rnnlm_rng *rng,
        rnnlm_candidate *best, size_t count, uint32_t *id);

/* ---- Files ---- */

/*
 * Tells the length in bytes of a file that rnnlm_model_save writes of a model of these sizes.
 * RNNLM_FILE_LEN is an upper bound at compile time.
 */
rnnlm_status rnnlm_file_len(const rnnlm_config *config, size_t *len);

/*
 * Fills the training state with the values before the first step: rate 0.1, nothing clipped,
 * seed 0.
 */
rnnlm_status rnnlm_training_init(rnnlm_training *training);

/*
 * Saves a model, weights and hidden state, as a file without words: gives its bytes to sink, in
 * pages that are all as long as page but the last one, with context as it is. page is memory for
 * 8 bytes or more. training is kept with it; null stands for that of rnnlm_training_init. Tells
 * the length of the file unless len is null. Stops where sink answers other than 0, and answers
 * the same. Refuses what rnnlm_model_load would refuse before the first page.
 */
rnnlm_status rnnlm_model_save(const rnnlm_model *model, const rnnlm_training *training,
        uint8_t *page, size_t page_len, rnnlm_sink sink, void *context, size_t *len);

/*
 * Brings a model back from the len bytes of a file, this library's or one that Python wrote with
 * safetensors. All of it is checked before: the checksum, the sizes, that every number is
 * finite. V, D and H must be the model's. The hidden state is the file's where it has one for
 * the same N, and zero otherwise. Tells the training state unless training is null: that of
 * rnnlm_training_init where the file has none. Where it fails the model is as it was.
 */
rnnlm_status rnnlm_model_load(rnnlm_model *model, const uint8_t *file, size_t len,
        rnnlm_training *training);

/*
 * Tells the sizes of the model in a file, after all of it was checked. Of weights that Python
 * wrote N and T are 1.
 */
rnnlm_status rnnlm_file_config(const uint8_t *file, size_t len, rnnlm_config *config);

/*
 * Finds the weights in a file, in flash for instance, for a predictor to use where they are,
 * after all of the file was checked. Its bytes must begin at a multiple of 8
 * (RNNLM_FILE_ALIGNMENT). Tells the sizes, and where the weights are and how many; weights_len
 * may be null. A file of Python may have another order: rnnlm_model_load takes any.
 */
rnnlm_status rnnlm_file_weights(const uint8_t *file, size_t len, rnnlm_config *config,
        const float **weights, size_t *weights_len);

#ifdef __cplusplus
}
#endif

#endif
