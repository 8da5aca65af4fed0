/*
 * The library's promise, from C: the weights after so many training steps have the desktop's hash, and
 * a learner that is saved in pages, brought back and resumed goes on with the same bits.
 *
 * `check.sh` compares the hashes with those of examples/firmware and of the library's own tests.
 */
#include "platform.h"
#include "rnnlm.h"
#include "text.h"

#ifndef STEPS
#define STEPS 10000
#endif

/* Workload E of the library's benchmarks: 64 events, one stream, windows of 8 of them. */
enum { V = 64, D = 16, H = 32, N = 1, T = 8, PAGE = 256 };

static const rnnlm_config config = { V, D, H, N, T };

static float weights[2][RNNLM_WEIGHTS_LEN(V, D, H)];
static float workspace[2][RNNLM_WORKSPACE_LEN(V, D, H, N, T)];
static float prediction[2][RNNLM_PREDICTION_LEN(V, H)];
static uint32_t ids[2][RNNLM_IDS_LEN(T)];
static rnnlm_model models[2];
static rnnlm_learner learners[2];
/* Aligned for RNNLM_FILE_ALIGNMENT. */
static union {
    uint64_t alignment;
    uint8_t bytes[RNNLM_FILE_LEN(V, D, H, N)];
} file;
static float buffer[RNNLM_PREDICTOR_LEN(V, H)];
static rnnlm_predictor predictor;
static uint8_t page[PAGE];

static rnnlm_status check(rnnlm_status status, const char *what)
{
    if (status != RNNLM_OK) {
        platform_print(what);
        platform_print(": ");
        platform_print(rnnlm_error_message(status));
        platform_print("\n");
    }
    return status;
}

#define CHECK(call) \
    do { \
        if (check((call), #call) != RNNLM_OK) { \
            return 1; \
        } \
    } while (0)

/* Random ids with a pattern to learn: each target follows from its input, nine times in ten. */
static int train(rnnlm_rng *rng, uint32_t steps)
{
    uint32_t xs[N * T], ts[N * T];
    int i;
    while (steps-- > 0) {
        for (i = 0; i < N * T; i++) {
            xs[i] = rnnlm_rng_below(rng, V);
        }
        for (i = 0; i < N * T; i++) {
            ts[i] = rnnlm_rng_below(rng, 10) == 0 ? rnnlm_rng_below(rng, V) : (xs[i] * 5 + 3) % V;
        }
        CHECK(rnnlm_model_train(&models[0], xs, ts, N * T, 0.1f, NULL));
    }
    return 0;
}

static int print_state(uint32_t steps)
{
    uint64_t hash;
    CHECK(rnnlm_model_hash(&models[0], &hash));
    print_number(steps);
    platform_print(" steps: ");
    print_hash(hash);
    platform_print("\n");
    return 0;
}

/* A flash driver stands here in a product: `context` is where the next page goes. */
static rnnlm_status put(void *context, const uint8_t *bytes, size_t len)
{
    size_t *at = (size_t *)context, i;
    for (i = 0; i < len; i++) {
        file.bytes[(*at)++] = bytes[i];
    }
    return 0;
}

/* A predictor over the weights where they are in the file, from the state that was saved with them: it
   reads the events that the learner has read since, and foresees the same. */
static int compare_with_predictor(size_t len, const uint32_t *pending, size_t pending_len)
{
    rnnlm_config found;
    const float *in_place, *state, *learned, *predicted = NULL;
    size_t i, weights_len, state_len;
    CHECK(rnnlm_file_weights(file.bytes, len, &found, &in_place, &weights_len));
    CHECK(rnnlm_predictor_init(&predictor, &found, in_place, weights_len, buffer,
                               RNNLM_PREDICTOR_LEN(V, H)));
    CHECK(rnnlm_model_state(&models[1], &state, &state_len));
    CHECK(rnnlm_predictor_set_state(&predictor, state, state_len));
    for (i = 0; i < pending_len; i++) {
        CHECK(rnnlm_predictor_feed(&predictor, pending[i], &predicted));
    }
    CHECK(rnnlm_learner_probabilities(&learners[0], &learned, NULL));
    for (i = 0; i < V; i++) {
        if (predicted == NULL || predicted[i] != learned[i]) {
            platform_print("THE PREDICTIONS DIFFER\n");
            return 1;
        }
    }
    return 0;
}

/* Saves the first learner's model in pages, "cuts the power", and resumes as the second one. */
static int reboot(void)
{
    uint32_t pending[T];
    size_t pending_len, len, at = 0;
    rnnlm_training training;
    CHECK(rnnlm_training_init(&training));
    training.learning_rate = 0.05f;
    CHECK(rnnlm_model_save(&models[0], &training, page, PAGE, put, &at, &len));
    CHECK(rnnlm_learner_pending(&learners[0], pending, T, &pending_len));

    CHECK(rnnlm_model_init(&models[1], &config, weights[1], RNNLM_WEIGHTS_LEN(V, D, H), workspace[1],
                           RNNLM_WORKSPACE_LEN(V, D, H, N, T)));
    CHECK(rnnlm_model_load(&models[1], file.bytes, len, &training));
    CHECK(rnnlm_learner_resume(&learners[1], &models[1], training.learning_rate, prediction[1],
                               RNNLM_PREDICTION_LEN(V, H), ids[1], RNNLM_IDS_LEN(T), pending,
                               pending_len));
    if (training.learning_rate != 0.05f) {
        platform_print("ANOTHER TRAINING STATE\n");
        return 1;
    }
    return compare_with_predictor(len, pending, pending_len);
}

/* Both learners read the same events; one of them has been through a reboot. */
static int learn(void)
{
    uint64_t hashes[2];
    uint32_t i, event = 1;
    rnnlm_score scores[2];
    CHECK(rnnlm_learner_init(&learners[0], &models[0], 0.05f, prediction[0], RNNLM_PREDICTION_LEN(V, H),
                             ids[0], RNNLM_IDS_LEN(T)));
    for (i = 0; i < 100; i++) {
        event = (event * 5 + 3) % V;
        CHECK(rnnlm_learner_observe(&learners[0], event, NULL));
    }
    if (reboot() != 0) {
        return 1;
    }
    for (i = 0; i < 100; i++) {
        event = (event * 5 + 3) % V;
        CHECK(rnnlm_learner_observe(&learners[0], event, &scores[0]));
        CHECK(rnnlm_learner_observe(&learners[1], event, &scores[1]));
        if (scores[0].loss != scores[1].loss || scores[0].rank != scores[1].rank) {
            platform_print("THE SCORES DIFFER\n");
            return 1;
        }
    }
    CHECK(rnnlm_model_hash(&models[0], &hashes[0]));
    CHECK(rnnlm_model_hash(&models[1], &hashes[1]));
    platform_print("learned: ");
    print_hash(hashes[0]);
    platform_print(hashes[0] == hashes[1] ? ", and the same through a reboot\n" : ", THE BITS DIFFER\n");
    return hashes[0] != hashes[1];
}

/* What follows. */
static int predict(void)
{
    const float *probabilities;
    rnnlm_candidate best[3];
    size_t found;
    uint32_t i;
    CHECK(rnnlm_learner_probabilities(&learners[0], &probabilities, NULL));
    CHECK(rnnlm_top(probabilities, V, NULL, 0, best, 3, &found));
    platform_print("next:");
    for (i = 0; i < found; i++) {
        platform_print(" ");
        print_number(best[i].id);
        platform_print(" (");
        print_number((uint32_t)(1000 * best[i].probability));
        platform_print(" of 1000)");
    }
    platform_print("\n");
    return 0;
}

static int equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int main(void)
{
    rnnlm_rng rng;
    platform_print("rnnlm ");
    platform_print(rnnlm_version());
    platform_print(", cell ");
    platform_print(rnnlm_cell());
    platform_print("\n");
    if (!equal(rnnlm_cell(), RNNLM_CELL)) {
        platform_print("THE HEADER WAS USED FOR ANOTHER CELL\n");
        return 1;
    }
    CHECK(rnnlm_model_init(&models[0], &config, weights[0], RNNLM_WEIGHTS_LEN(V, D, H), workspace[0],
                           RNNLM_WORKSPACE_LEN(V, D, H, N, T)));
    CHECK(rnnlm_model_randomize(&models[0], 1));
    CHECK(rnnlm_rng_init(&rng, 11));
    if (train(&rng, 200) != 0 || print_state(200) != 0) {
        return 1;
    }
    if (STEPS > 200 && (train(&rng, STEPS - 200) != 0 || print_state(STEPS) != 0)) {
        return 1;
    }
    return learn() != 0 || predict() != 0;
}
