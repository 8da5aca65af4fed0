/*
 * On a Cortex-M: the bytes of stack that each call takes, by painting what lies below.
 */
#include "platform.h"
#include "rnnlm.h"
#include "text.h"

enum { V = 64, D = 16, H = 32, N = 1, T = 8, PAGE = 64, WORDS = 4096 };

static const rnnlm_config config = { V, D, H, N, T };
static float weights[RNNLM_WEIGHTS_LEN(V, D, H)], workspace[RNNLM_WORKSPACE_LEN(V, D, H, N, T)];
static float prediction[RNNLM_PREDICTION_LEN(V, H)], buffer[RNNLM_PREDICTOR_LEN(V, H)];
static uint32_t ids[RNNLM_IDS_LEN(T)];
static rnnlm_model model;
static rnnlm_learner learner;
static rnnlm_predictor predictor;
static uint8_t page[PAGE], file[RNNLM_FILE_LEN(V, D, H, N)];
static size_t file_len;
static const float *probabilities;
static int failures;

static void check(rnnlm_status status)
{
    failures += status != RNNLM_OK;
}

static rnnlm_status put(void *context, const uint8_t *bytes, size_t len)
{
    size_t i;
    (void)context;
    for (i = 0; i < len; i++) {
        file[file_len++] = bytes[i];
    }
    return 0;
}

static void init(void)
{
    check(rnnlm_model_init(&model, &config, weights, RNNLM_WEIGHTS_LEN(V, D, H), workspace,
                           RNNLM_WORKSPACE_LEN(V, D, H, N, T)));
    check(rnnlm_model_randomize(&model, 1));
    check(rnnlm_learner_init(&learner, &model, 0.1f, prediction, RNNLM_PREDICTION_LEN(V, H), ids,
                             RNNLM_IDS_LEN(T)));
    check(rnnlm_predictor_init(&predictor, &config, weights, RNNLM_WEIGHTS_LEN(V, D, H), buffer,
                               RNNLM_PREDICTOR_LEN(V, H)));
}

static void train(void)
{
    check(rnnlm_model_train(&model, ids, ids + T, T, 0.1f, NULL));
}

/* So many that a training step is among them. */
static void observe(void)
{
    uint32_t id;
    for (id = 0; id < 2 * T; id++) {
        check(rnnlm_learner_observe(&learner, id, NULL));
    }
}

static void predict(void)
{
    static rnnlm_candidate best[3];
    check(rnnlm_predictor_feed(&predictor, 1, &probabilities));
    check(rnnlm_top(probabilities, V, NULL, 0, best, 3, NULL));
}

static void sample(void)
{
    static rnnlm_rng rng = { 1 };
    uint32_t id;
    check(rnnlm_sample(probabilities, V, &rng, NULL, 0, &id));
}

static void save(void)
{
    check(rnnlm_model_save(&model, NULL, page, PAGE, put, NULL, NULL));
}

static void load(void)
{
    check(rnnlm_model_load(&model, file, file_len, NULL));
}

__attribute__((noinline)) static uint32_t depth(void (*work)(void))
{
    uint32_t *end;
    uint32_t i;
    __asm__ volatile("mov %0, sp" : "=r"(end));
    for (i = 1; i <= WORDS; i++) {
        *(volatile uint32_t *)(end - i) = 0x5afe57acu;
    }
    work();
    for (i = WORDS; i > 0 && *(volatile uint32_t *)(end - i) == 0x5afe57acu; i--) {
    }
    return 4 * i;
}

static void measure(const char *what, void (*work)(void), uint32_t limit)
{
    uint32_t found = depth(work);
    platform_print(what);
    print_number(found);
    platform_print(found <= limit ? " bytes of stack\n" : " bytes of stack, BEYOND THE LIMIT\n");
    failures += found > limit;
}

int main(void)
{
    measure("init, randomize: ", init, 640);
    measure("train: ", train, 1024);
    measure("observe: ", observe, 1152);
    measure("feed, top: ", predict, 1024);
    measure("sample: ", sample, 512);
    measure("save: ", save, 1536);
    measure("load: ", load, 1792);
    return failures != 0;
}
