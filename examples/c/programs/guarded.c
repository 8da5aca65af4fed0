/*
 * On Linux: every piece of memory that the library is lent ends where the page after it can't be touched,
 * so that a number read or written behind it ends the program.
 */
#define _DEFAULT_SOURCE
#include "rnnlm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *guarded(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;
    char *start = (char *)mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == (char *)MAP_FAILED || mprotect(start + room, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    return start + room - len;
}

static void check(rnnlm_status status, int line)
{
    if (status != RNNLM_OK) {
        printf("line %d: %s\n", line, rnnlm_error_message(status));
        exit(1);
    }
}

#define CHECK(call) check((call), __LINE__)

static rnnlm_status put(void *context, const uint8_t *page, size_t len)
{
    uint8_t **to = (uint8_t **)context;
    memcpy(*to, page, len);
    *to += len;
    return 0;
}

static void run(size_t v, size_t d, size_t h, size_t t)
{
    rnnlm_config config;
    rnnlm_memory memory;
    rnnlm_model *model = (rnnlm_model *)guarded(sizeof *model);
    rnnlm_learner *learner = (rnnlm_learner *)guarded(sizeof *learner);
    rnnlm_predictor *predictor = (rnnlm_predictor *)guarded(sizeof *predictor);
    rnnlm_candidate *best = (rnnlm_candidate *)guarded(3 * sizeof *best);
    uint32_t *xs = (uint32_t *)guarded(t * sizeof *xs), *ts = (uint32_t *)guarded(t * sizeof *ts), *ids, id;
    uint8_t *page = (uint8_t *)guarded(100), *file, *at;
    float *weights, *workspace, *prediction, *buffer;
    const float *probabilities;
    rnnlm_score *scores = (rnnlm_score *)guarded((t - 1) * sizeof *scores);
    rnnlm_rng rng;
    size_t i, len;
    config.vocab_size = v;
    config.wordvec_size = d;
    config.hidden_size = h;
    config.batch_size = 1;
    config.time_size = t;
    CHECK(rnnlm_config_memory(&config, &memory));
    CHECK(rnnlm_file_len(&config, &len));
    weights = (float *)guarded(memory.weights * sizeof(float));
    workspace = (float *)guarded(memory.workspace * sizeof(float));
    prediction = (float *)guarded(memory.prediction * sizeof(float));
    buffer = (float *)guarded((h + memory.prediction) * sizeof(float));
    ids = (uint32_t *)guarded(memory.ids * sizeof(uint32_t));
    file = at = (uint8_t *)guarded(len);
    CHECK(rnnlm_rng_init(&rng, v));
    for (i = 0; i < t; i++) {
        xs[i] = rnnlm_rng_below(&rng, (uint32_t)v);
        ts[i] = rnnlm_rng_below(&rng, (uint32_t)v);
    }
    CHECK(rnnlm_model_init(model, &config, weights, memory.weights, workspace, memory.workspace));
    CHECK(rnnlm_model_randomize(model, 1));
    CHECK(rnnlm_model_train(model, xs, ts, t, 0.1f, NULL));
    CHECK(rnnlm_model_score(model, xs, t, scores, t - 1, NULL));
    CHECK(rnnlm_learner_init(learner, model, 0.1f, prediction, memory.prediction, ids, memory.ids));
    for (i = 0; i < 2 * t + 1; i++) {
        CHECK(rnnlm_learner_observe(learner, xs[i % t], NULL));
    }
    CHECK(rnnlm_model_save(model, NULL, page, 100, put, &at, NULL));
    CHECK(rnnlm_model_load(model, file, len, NULL));
    CHECK(rnnlm_predictor_init(predictor, &config, weights, memory.weights, buffer, h + memory.prediction));
    for (i = 0; i < t; i++) {
        CHECK(rnnlm_predictor_feed(predictor, xs[i], &probabilities));
        CHECK(rnnlm_top(probabilities, v, xs, 1, best, 3, NULL));
        CHECK(rnnlm_sample(probabilities, v, &rng, best, 3, &id));
        CHECK(rnnlm_sample(probabilities, v, &rng, NULL, 0, &id));
    }
}

int main(void)
{
    run(64, 16, 32, 8);
    run(5, 3, 4, 2);
    run(33, 15, 17, 7);
    run(700, 9, 20, 70);
    run(9, 20, 600, 3);
    puts("nothing was touched behind the memory lent");
    return 0;
}
