/*
 * The header's lengths against those of the library, for many sizes: equal, or upper bounds where the
 * header says so.
 */
#include "platform.h"
#include "rnnlm.h"
#include "text.h"

static const size_t few[] = { 1, 2, 3, 7, 15, 16, 17, 31, 64, 65, 100, 127, 128, 129, 300 };
static const size_t many[] = { 1, 5, 16, 63, 64, 128, 130, 511, 512, 513, 1000, 2048, 10000 };

enum { FEW = sizeof few / sizeof *few, MANY = sizeof many / sizeof *many };

static int failures;
/* The most floats or bytes that an upper bound gives too many, of each. */
static size_t spare_workspace, spare_file;

static void compare(const char *what, size_t header, size_t library, size_t *spare)
{
    if (header < library || (spare == NULL && header != library)) {
        platform_print(what);
        platform_print(" DIFFERS\n");
        failures++;
    } else if (spare != NULL && header - library > *spare) {
        *spare = header - library;
    }
}

/* Whether an address space of 32 bits has no room for weights, their gradients, workspace and ids. */
static int is_too_large(uint64_t v, uint64_t d, uint64_t h, uint64_t n, uint64_t t)
{
    uint64_t weights = (v + RNNLM_GATES * h) * (d + h + 1);
    uint64_t row = 2 * d + (RNNLM_STATES + RNNLM_KEPT + 1) * h + v + 1 + 2;
    return sizeof(size_t) == 4 && 2 * weights + 2 * RNNLM_STATES * n * h + n * t * row > 0x1fffffff;
}

static void sizes(size_t v, size_t d, size_t h, size_t n, size_t t)
{
    rnnlm_config config;
    rnnlm_memory memory;
    size_t file;
    config.vocab_size = v;
    config.wordvec_size = d;
    config.hidden_size = h;
    config.batch_size = n;
    config.time_size = t;
    if (is_too_large(v, d, h, n, t)) {
        failures += rnnlm_config_memory(&config, &memory) != RNNLM_ERROR_CONFIG_TOO_LARGE;
        return;
    }
    if (rnnlm_config_memory(&config, &memory) != RNNLM_OK || rnnlm_file_len(&config, &file) != RNNLM_OK) {
        platform_print("REFUSED\n");
        failures++;
        return;
    }
    compare("RNNLM_WEIGHTS_LEN", RNNLM_WEIGHTS_LEN(v, d, h), memory.weights, NULL);
    compare("RNNLM_WORKSPACE_LEN", RNNLM_WORKSPACE_LEN(v, d, h, n, t), memory.workspace, &spare_workspace);
    compare("RNNLM_PREDICTION_LEN", RNNLM_PREDICTION_LEN(v, h), memory.prediction, NULL);
    compare("RNNLM_PREDICTOR_LEN", RNNLM_PREDICTOR_LEN(v, h), RNNLM_STATES * h + memory.prediction, NULL);
    compare("RNNLM_IDS_LEN", RNNLM_IDS_LEN(n * t), memory.ids, NULL);
    compare("RNNLM_FILE_LEN", RNNLM_FILE_LEN(v, d, h, n), file, &spare_file);
}

int main(void)
{
    uint32_t count = 0;
    int v, d, h, t;
    for (v = 0; v < MANY; v++) {
        for (d = 0; d < FEW; d++) {
            for (h = 0; h < FEW; h++) {
                for (t = 0; t < FEW; t += 2) {
                    sizes(many[v], few[d], few[h], 1, few[t]);
                    sizes(few[t], few[d], many[v], few[h], 5);
                    count += 2;
                }
            }
        }
    }
    /* where there are no vectors the workspace is known exactly; a file's header has its digits to spare */
    if ((RNNLM_SCRATCH_LEN(64, 16, 32, 8) == 0 && spare_workspace > 0) || spare_file > 330) {
        platform_print("AN UPPER BOUND IS FAR ABOVE\n");
        failures++;
    }
    print_number(count);
    platform_print(failures == 0 ? " sizes: the header's lengths are the library's\n" : " sizes: FAILURES\n");
    return failures != 0;
}
