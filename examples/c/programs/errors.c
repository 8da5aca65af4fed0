/*
 * Whatever C can do wrong and a program can notice has its named error, and leaves the model as it was.
 */
#include "platform.h"
#include "rnnlm.h"
#include "text.h"

enum { V = 5, D = 3, H = 4, N = 1, T = 2, PAGE = 64 };
enum { WEIGHTS = RNNLM_WEIGHTS_LEN(V, D, H), WORKSPACE = RNNLM_WORKSPACE_LEN(V, D, H, N, T) };
enum { PREDICTION = RNNLM_PREDICTION_LEN(V, H), PREDICTOR = RNNLM_PREDICTOR_LEN(V, H), IDS = RNNLM_IDS_LEN(T) };

static const rnnlm_config config = { V, D, H, N, T };
static const rnnlm_config rows = { V, D, H, 2, T };
static const uint32_t xs[T] = { 1, 2 }, ts[T] = { 2, 3 };

static float weights[WEIGHTS], workspace[WORKSPACE], more[RNNLM_WORKSPACE_LEN(V, D, H, 2, T)];
static float others[RNNLM_WEIGHTS_LEN(V, D, H)], prediction[PREDICTION], buffer[PREDICTOR];
static uint32_t ids[IDS];
static uint8_t page[PAGE];
static union {
    double alignment;
    uint8_t bytes[RNNLM_FILE_LEN(V, D, H, N) + 8];
} file;
static size_t file_len;
static rnnlm_model model, none, two_rows;
static rnnlm_learner learner, no_learner;
static rnnlm_predictor predictor, no_predictor;
static uint64_t before;
static int failures;

static uint64_t hash(void)
{
    uint64_t found = 0;
    if (rnnlm_model_hash(&model, &found) != RNNLM_OK) {
        failures++;
    }
    return found;
}

static void expect(rnnlm_status found, rnnlm_status expected, const char *what)
{
    if (found != expected || hash() != before) {
        platform_print(what);
        platform_print(found == expected ? ": THE MODEL HAS CHANGED\n" : ": ANOTHER STATUS: ");
        if (found != expected) {
            print_number((uint32_t)found);
            platform_print("\n");
        }
        failures++;
        before = hash();
    }
}

#define EXPECT(expected, call) expect((call), (expected), #call)
#define ERROR(name, call) EXPECT(RNNLM_ERROR_##name, call)
#define OK(call) EXPECT(RNNLM_OK, call)

/* For what changes the model. */
#define CHANGE(call) \
    do { \
        rnnlm_status status_ = (call); \
        before = hash(); \
        expect(status_, RNNLM_OK, #call); \
    } while (0)

/* An address that no float has. */
static float *misaligned(float *memory)
{
    return (float *)((uintptr_t)memory + 1);
}

static rnnlm_status put(void *context, const uint8_t *bytes, size_t len)
{
    size_t i;
    (void)context;
    for (i = 0; i < len; i++) {
        file.bytes[file_len++] = bytes[i];
    }
    return 0;
}

static rnnlm_status full(void *context, const uint8_t *bytes, size_t len)
{
    int *calls = (int *)context;
    (void)bytes;
    (void)len;
    return ++*calls == 2 ? -7 : 0;
}

static void models(void)
{
    rnnlm_config bad = config;
    rnnlm_memory memory;
    const float *found;
    uint64_t number;
    ERROR(NULL_POINTER, rnnlm_model_init(NULL, &config, others, WEIGHTS, more, WORKSPACE));
    ERROR(NULL_POINTER, rnnlm_model_init(&none, NULL, others, WEIGHTS, more, WORKSPACE));
    ERROR(NULL_POINTER, rnnlm_model_init(&none, &config, NULL, WEIGHTS, more, WORKSPACE));
    ERROR(NULL_POINTER, rnnlm_model_init(&none, &config, others, WEIGHTS, NULL, WORKSPACE));
    ERROR(MISALIGNED, rnnlm_model_init(&none, &config, misaligned(others), WEIGHTS - 1, more, WORKSPACE));
    ERROR(MISALIGNED, rnnlm_model_init(&none, &config, others, WEIGHTS, misaligned(more), WORKSPACE - 1));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_model_init(&none, &config, others, WEIGHTS - 1, more, WORKSPACE));
    OK(rnnlm_config_memory(&config, &memory));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_model_init(&none, &config, others, WEIGHTS, more, memory.workspace - 1));
    ERROR(OVERLAP, rnnlm_model_init(&none, &config, more, WEIGHTS, more + WEIGHTS - 1, WORKSPACE));
    bad.hidden_size = 0;
    ERROR(CONFIG_ZERO_SIZE, rnnlm_model_init(&none, &bad, others, WEIGHTS, more, WORKSPACE));
    ERROR(CONFIG_ZERO_SIZE, rnnlm_config_memory(&bad, &memory));
    /* products that wrap around to something small */
    bad.hidden_size = (size_t)1 << (4 * sizeof(size_t));
    bad.wordvec_size = ~(size_t)0;
    ERROR(CONFIG_TOO_LARGE, rnnlm_config_memory(&bad, &memory));
    bad.hidden_size = (size_t)1 << (8 * sizeof(size_t) - 1);
    bad.wordvec_size = bad.hidden_size - 1;
    ERROR(CONFIG_TOO_LARGE, rnnlm_model_init(&none, &bad, others, WEIGHTS, more, WORKSPACE));
    ERROR(NULL_POINTER, rnnlm_config_memory(NULL, &memory));
    ERROR(NULL_POINTER, rnnlm_config_memory(&config, NULL));

    /* a handle that nobody made, and one of another kind */
    ERROR(NOT_INITIALIZED, rnnlm_model_randomize(&none, 1));
    ERROR(NOT_INITIALIZED, rnnlm_model_train(&none, xs, ts, T, 0.1f, NULL));
    ERROR(NOT_INITIALIZED, rnnlm_model_hash((const rnnlm_model *)(const void *)&learner, &number));
    ERROR(NULL_POINTER, rnnlm_model_randomize(NULL, 1));
    ERROR(MISALIGNED, rnnlm_model_reset_state((rnnlm_model *)(void *)((char *)(void *)&model + 2)));
    ERROR(NULL_POINTER, rnnlm_model_hash(&model, NULL));
    ERROR(NULL_POINTER, rnnlm_model_weights(&model, NULL, NULL));
    OK(rnnlm_model_weights(&model, &found, NULL));
    if (found != weights) {
        platform_print("THE WEIGHTS ARE ELSEWHERE\n");
        failures++;
    }
}

static void training(void)
{
    static const uint32_t beyond[T] = { 1, V }, ignore[T] = { 1, RNNLM_IGNORE };
    static const uint32_t tokens[4] = { 0, 1, 2, 3 };
    float zero = 0.0f, loss = -1.0f, kept, *bias = weights + WEIGHTS - V, mean = 0.0f;
    rnnlm_score scores[3];
    int i, right = 1;
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_model_train(&model, beyond, ts, T, 0.1f, &loss));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_model_train(&model, xs, beyond, T, 0.1f, &loss));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_model_train(&model, ignore, ts, T, 0.1f, &loss));
    ERROR(STEP_LENGTH, rnnlm_model_train(&model, xs, ts, T - 1, 0.1f, &loss));
    ERROR(STEP_LENGTH, rnnlm_model_train(&model, NULL, NULL, 0, 0.1f, &loss));
    ERROR(NULL_POINTER, rnnlm_model_train(&model, NULL, ts, T, 0.1f, &loss));
    ERROR(CONFIG_TOO_LARGE, rnnlm_model_train(&model, xs, ts, ~(size_t)0, 0.1f, &loss));
    ERROR(OVERLAP, rnnlm_model_train(&model, (const uint32_t *)(const void *)workspace, ts, T, 0.1f, &loss));
    ERROR(OVERLAP, rnnlm_model_train(&model, xs, (const uint32_t *)(const void *)(weights + 1), T, 0.1f, &loss));
    ERROR(OVERLAP, rnnlm_model_score(&model, (const uint32_t *)(const void *)workspace, 4, NULL, 0, &loss));
    ERROR(OVERLAP, rnnlm_model_score(&model, tokens, 2, (rnnlm_score *)(void *)weights, 3, &loss));
    ERROR(PARAMETER_LEARNING_RATE, rnnlm_model_train(&model, xs, ts, T, 0.0f, &loss));
    ERROR(PARAMETER_LEARNING_RATE, rnnlm_model_train(&model, xs, ts, T, zero / zero, &loss));
    kept = *bias;
    bias[3] = 2.9e38f;
    bias[4] = 3e38f;
    CHANGE(RNNLM_OK);
    ERROR(STEP_NON_FINITE_UPDATE, rnnlm_model_train(&model, xs, ts, T, 3e38f, &loss));
    bias[4] = zero / zero;
    CHANGE(RNNLM_OK);
    ERROR(STEP_NON_FINITE_LOSS, rnnlm_model_train(&model, xs, ts, T, 0.1f, &loss));
    bias[3] = bias[4] = kept;
    CHANGE(RNNLM_OK);
    ERROR(STEP_LENGTH, rnnlm_model_score(&model, tokens, 1, NULL, 0, &loss));
    ERROR(STEP_LENGTH, rnnlm_model_score(&model, tokens, 4, scores, 2, &loss));
    ERROR(STEP_LENGTH, rnnlm_model_score(&model, tokens, 4, scores, 0, &loss));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_model_score(&model, beyond, 2, scores, 3, &loss));
    if (loss != -1.0f) {
        platform_print("A LOSS OF A STEP THAT FAILED\n");
        failures++;
    }
    OK(rnnlm_model_score(&model, tokens, 4, scores, 3, &loss));
    OK(rnnlm_model_score(&model, tokens, 4, NULL, 0, NULL));
    for (i = 0; i < 3; i++) {
        mean += scores[i].loss / 3.0f;
        right &= scores[i].id == tokens[i + 1] && scores[i].rank >= 1 && scores[i].rank <= V;
    }
    if (!right || mean - loss > 1e-5f || loss - mean > 1e-5f || rnnlm_perplexity(0.0f) != 1.0f) {
        platform_print("OTHER SCORES\n");
        failures++;
    }
    CHANGE(rnnlm_model_train(&model, xs, ignore, T, 0.1f, &loss));
    CHANGE(rnnlm_model_train(&model, xs, ts, T, 0.1f, NULL));
}

static void learning(void)
{
    static const uint32_t pending[T + 1] = { 1, 2, 3 }, beyond[T] = { 1, V };
    const float *found;
    size_t len;
    rnnlm_memory memory;
    OK(rnnlm_config_memory(&config, &memory));
    ERROR(NULL_POINTER, rnnlm_learner_init(NULL, &model, 0.1f, prediction, PREDICTION, ids, IDS));
    ERROR(NULL_POINTER, rnnlm_learner_init(&no_learner, &model, 0.1f, NULL, PREDICTION, ids, IDS));
    ERROR(NULL_POINTER, rnnlm_learner_init(&no_learner, &model, 0.1f, prediction, PREDICTION, NULL, IDS));
    ERROR(NOT_INITIALIZED, rnnlm_learner_init(&no_learner, &none, 0.1f, prediction, PREDICTION, ids, IDS));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_learner_init(&no_learner, &model, 0.1f, prediction, PREDICTION - 1, ids, IDS));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_learner_init(&no_learner, &model, 0.1f, prediction, PREDICTION, ids, IDS - 1));
    ERROR(OVERLAP, rnnlm_learner_init(&no_learner, &model, 0.1f, weights, PREDICTION, ids, IDS));
    ERROR(OVERLAP, rnnlm_learner_init(&no_learner, &model, 0.1f, prediction, PREDICTION,
                                      (uint32_t *)(void *)prediction, IDS));
    ERROR(PARAMETER_LEARNING_RATE, rnnlm_learner_init(&no_learner, &model, -1.0f, prediction, PREDICTION, ids, IDS));
    ERROR(CONFIG_BATCH_SIZE, rnnlm_learner_init(&no_learner, &two_rows, 0.1f, prediction, PREDICTION, ids, IDS * 2));
    ERROR(STEP_LENGTH, rnnlm_learner_resume(&no_learner, &model, 0.1f, prediction, PREDICTION, ids, IDS, pending,
                                            T + 1));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_learner_resume(&no_learner, &model, 0.1f, prediction, PREDICTION, ids, IDS,
                                                     beyond, T));
    ERROR(OVERLAP, rnnlm_learner_init(&no_learner, &model, 0.1f, prediction, PREDICTION,
                                      (uint32_t *)(void *)(workspace + memory.workspace - 1), IDS));
    ERROR(OVERLAP, rnnlm_learner_resume(&no_learner, &model, 0.1f, prediction, PREDICTION, ids, IDS,
                                        (const uint32_t *)(const void *)weights, T));
    ERROR(NOT_INITIALIZED, rnnlm_learner_observe(&no_learner, 1, NULL));
    CHANGE(rnnlm_learner_init(&learner, &model, 0.1f, prediction, PREDICTION, ids, IDS));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_learner_observe(&learner, V, NULL));
    CHANGE(rnnlm_learner_observe(&learner, 1, NULL));
    CHANGE(rnnlm_learner_observe(&learner, 2, NULL));
    ERROR(STEP_LENGTH, rnnlm_learner_pending(&learner, ids, 1, &len));
    ERROR(NULL_POINTER, rnnlm_learner_pending(&learner, NULL, T, &len));
    ERROR(NULL_POINTER, rnnlm_learner_probabilities(&learner, NULL, NULL));
    OK(rnnlm_learner_probabilities(&learner, &found, &len));
    ERROR(PARAMETER_LEARNING_RATE, rnnlm_learner_set_rate(&learner, 0.0f));
    CHANGE(rnnlm_learner_restart(&learner));
}

static void predicting(void)
{
    static const float nothing[RNNLM_STATES * H + 1] = { 0.0f };
    const float *found;
    rnnlm_candidate best[2];
    rnnlm_rng rng;
    uint32_t id;
    uint64_t state;
    size_t count;
    int right;
    ERROR(NOT_INITIALIZED, rnnlm_predictor_feed(&no_predictor, 1, &found));
    ERROR(NULL_POINTER, rnnlm_predictor_init(&no_predictor, &config, NULL, WEIGHTS, buffer, PREDICTOR));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_predictor_init(&no_predictor, &config, weights, WEIGHTS - 1, buffer, PREDICTOR));
    ERROR(CONFIG_BUFFER_LENGTH, rnnlm_predictor_init(&no_predictor, &config, weights, WEIGHTS, buffer, PREDICTOR - 1));
    ERROR(OVERLAP, rnnlm_predictor_init(&no_predictor, &config, weights, WEIGHTS, weights + 1, PREDICTOR));
    OK(rnnlm_predictor_init(&predictor, &config, weights, WEIGHTS, buffer, PREDICTOR));
    ERROR(STEP_ID_OUT_OF_RANGE, rnnlm_predictor_feed(&predictor, V, &found));
    ERROR(PARAMETER_TEMPERATURE, rnnlm_predictor_feed_at(&predictor, 1, -1.0f, &found));
    ERROR(STEP_LENGTH, rnnlm_predictor_set_state(&predictor, nothing, RNNLM_STATES * H + 1));
    ERROR(NULL_POINTER, rnnlm_predictor_state(&predictor, NULL));
    ERROR(OVERLAP, rnnlm_predictor_set_state(&predictor, buffer, RNNLM_STATES * H));
    OK(rnnlm_predictor_feed(&predictor, 1, &found));
    OK(rnnlm_predictor_feed_at(&predictor, 1, 0.0f, NULL));
    ERROR(NULL_POINTER, rnnlm_top(NULL, V, NULL, 0, best, 2, &count));
    ERROR(NULL_POINTER, rnnlm_top(found, V, NULL, 1, best, 2, &count));
    ERROR(NULL_POINTER, rnnlm_top(found, V, NULL, 0, NULL, 2, &count));
    ERROR(OVERLAP, rnnlm_top(found, V, NULL, 0, (rnnlm_candidate *)(void *)(buffer + 2 * RNNLM_STATES * H), 2, &count));
    ERROR(OVERLAP, rnnlm_top(found, V, (const uint32_t *)(const void *)best, 1, best, 2, &count));
    ERROR(NULL_POINTER, rnnlm_rng_init(NULL, 1));
    OK(rnnlm_rng_init(&rng, 1));
    ERROR(NOTHING_TO_DRAW, rnnlm_sample(nothing, V, &rng, NULL, 0, &id));
    ERROR(NULL_POINTER, rnnlm_sample(found, V, &rng, NULL, 0, NULL));
    state = rng.state;
    OK(rnnlm_sample(found, V, &rng, best, 2, &id));
    right = rng.state != state && (id == best[0].id || id == best[1].id);
    OK(rnnlm_top(found, V, NULL, 0, best, 2, &count));
    right &= count == 2 && found[best[0].id] == best[0].probability && best[0].probability >= best[1].probability;
    id = best[0].id;
    OK(rnnlm_top(found, V, &id, 1, best, 2, &count));
    right &= best[0].id != id && best[1].id != id;
    if (!right) {
        platform_print("OTHER WORDS\n");
        failures++;
    }
}

static void files(void)
{
    rnnlm_training state;
    rnnlm_config found;
    const float *where;
    size_t len, i;
    int calls = 0;
    float kept = weights[7], zero = 0.0f;
    ERROR(NULL_POINTER, rnnlm_model_save(&model, NULL, page, PAGE, NULL, NULL, NULL));
    ERROR(NULL_POINTER, rnnlm_model_save(&model, NULL, NULL, PAGE, put, NULL, NULL));
    ERROR(CHECKPOINT_BUFFER_LENGTH, rnnlm_model_save(&model, NULL, page, 7, put, NULL, NULL));
    ERROR(OVERLAP, rnnlm_model_save(&model, NULL, (uint8_t *)(void *)workspace, PAGE, put, NULL, NULL));
    ERROR(OVERLAP, rnnlm_model_load(&model, (const uint8_t *)(const void *)weights, 100, NULL));
    ERROR(NOT_INITIALIZED, rnnlm_model_save(&none, NULL, page, PAGE, put, NULL, NULL));
    EXPECT(-7, rnnlm_model_save(&model, NULL, page, PAGE, full, &calls, NULL));
    OK(rnnlm_training_init(&state));
    state.learning_rate = zero / zero;
    ERROR(CHECKPOINT_TRAINING, rnnlm_model_save(&model, &state, page, PAGE, put, NULL, NULL));
    weights[7] = zero / zero;
    CHANGE(RNNLM_OK);
    ERROR(CHECKPOINT_NOT_FINITE, rnnlm_model_save(&model, NULL, page, PAGE, put, NULL, NULL));
    weights[7] = kept;
    CHANGE(RNNLM_OK);
    if (file_len != 0 || calls != 2) {
        platform_print("A PAGE OF A FILE THAT WAS REFUSED\n");
        failures++;
    }
    OK(rnnlm_model_save(&model, NULL, page, PAGE, put, NULL, &len));
    OK(rnnlm_model_load(&model, file.bytes, len, &state));

    /* another bit anywhere, or an end anywhere */
    for (i = 0; i < len; i++) {
        file.bytes[i] ^= 1;
        if (rnnlm_model_load(&model, file.bytes, len, &state) < 501 || hash() != before) {
            platform_print("A DAMAGED FILE WAS TAKEN, FROM BYTE ");
            print_number((uint32_t)i);
            platform_print("\n");
            failures++;
        }
        file.bytes[i] ^= 1;
        if (rnnlm_model_load(&model, file.bytes, i, &state) < 501 || hash() != before) {
            platform_print("A FILE THAT ENDS EARLY WAS TAKEN\n");
            failures++;
        }
    }
    file.bytes[len - 100] ^= 1;
    ERROR(CHECKPOINT_CHECKSUM, rnnlm_model_load(&model, file.bytes, len, NULL));
    ERROR(CHECKPOINT_CHECKSUM, rnnlm_file_config(file.bytes, len, &found));
    ERROR(CHECKPOINT_CHECKSUM, rnnlm_file_weights(file.bytes, len, &found, &where, NULL));
    file.bytes[len - 100] ^= 1;
    ERROR(CHECKPOINT_TRUNCATED, rnnlm_model_load(&model, file.bytes, len - 1, NULL));
    ERROR(CHECKPOINT_TRUNCATED, rnnlm_model_load(&model, NULL, 0, NULL));
    ERROR(NULL_POINTER, rnnlm_model_load(&model, NULL, len, NULL));
    ERROR(CHECKPOINT_NOT_SAFETENSORS, rnnlm_model_load(&model, (const uint8_t *)"erased flash", 12, NULL));
    ERROR(NULL_POINTER, rnnlm_file_weights(file.bytes, len, NULL, &where, NULL));

    OK(rnnlm_file_weights(file.bytes, len, &found, &where, &i));
    if (found.vocab_size != V || found.time_size != T || i != WEIGHTS || where[7] != weights[7]) {
        platform_print("OTHER WEIGHTS IN THE FILE\n");
        failures++;
    }
    for (i = len; i > 0; i--) {
        file.bytes[i] = file.bytes[i - 1];
    }
    ERROR(NOT_IN_PLACE, rnnlm_file_weights(file.bytes + 1, len, &found, &where, NULL));
    OK(rnnlm_model_load(&model, file.bytes + 1, len, &state));
}

/* A model of other sizes, over memory of its own. */
static void other_sizes(void)
{
    enum { OTHER_H = H - 1 };
    static const rnnlm_config small = { V, D, OTHER_H, N, T };
    static rnnlm_model other;
    size_t len = 0;
    file_len = 0;
    OK(rnnlm_model_init(&other, &small, others, WEIGHTS, more, RNNLM_WORKSPACE_LEN(V, D, H, 2, T)));
    OK(rnnlm_model_randomize(&other, 3));
    OK(rnnlm_model_save(&other, NULL, page, PAGE, put, NULL, &len));
    ERROR(CHECKPOINT_OTHER_SIZES, rnnlm_model_load(&model, file.bytes, len, NULL));
}

static int starts(const char *text, const char *start)
{
    while (*start != '\0' && *text == *start) {
        text++;
        start++;
    }
    return *start == '\0';
}

/* Each number has a text, and what is no error of the library says so. */
static void messages(void)
{
    rnnlm_status status;
    int known = 0;
    const char *unknown = rnnlm_error_message(-1), *version = rnnlm_version(), *header = RNNLM_VERSION;
    for (status = 1; status < 1000; status++) {
        known += rnnlm_error_message(status)[0] != '\0' && rnnlm_error_message(status) != unknown;
    }
    while (*version != '\0' && *version == *header) {
        version++;
        header++;
    }
    if (!starts(rnnlm_error_message(RNNLM_ERROR_STEP_ID_OUT_OF_RANGE), "a token id is not below") ||
        !starts(rnnlm_error_message(RNNLM_OK), "no error")) {
        platform_print("OTHER WORDS FOR AN ERROR\n");
        failures++;
    }
    if (known != RNNLM_ERRORS || *version != *header) {
        platform_print("OTHER MESSAGES OR ANOTHER VERSION\n");
        failures++;
    }
}

int main(void)
{
    static float rows_weights[WEIGHTS], rows_workspace[RNNLM_WORKSPACE_LEN(V, D, H, 2, T)];
    CHANGE(rnnlm_model_init(&model, &config, weights, WEIGHTS, workspace, WORKSPACE));
    CHANGE(rnnlm_model_randomize(&model, 1));
    OK(rnnlm_model_init(&two_rows, &rows, rows_weights, WEIGHTS, rows_workspace,
                        RNNLM_WORKSPACE_LEN(V, D, H, 2, T)));
    models();
    training();
    learning();
    predicting();
    files();
    other_sizes();
    messages();
    platform_print(failures == 0 ? "every misuse has its error, and the model is as it was\n" : "FAILURES\n");
    return failures != 0;
}
