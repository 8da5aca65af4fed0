/*
 * The least that a product calls: it learns each event and asks for the three likeliest next ones.
 * `check.sh` weighs this program, alone and with every other function linked. The weights come from
 * elsewhere.
 */
#include "rnnlm.h"

enum { V = 64, D = 16, H = 32, N = 1, T = 8 };

static const rnnlm_config config = { V, D, H, N, T };
static float weights[RNNLM_WEIGHTS_LEN(V, D, H)];
static float workspace[RNNLM_WORKSPACE_LEN(V, D, H, N, T)];
static float prediction[RNNLM_PREDICTION_LEN(V, H)];
static uint32_t ids[RNNLM_IDS_LEN(T)];
static rnnlm_model model;
static rnnlm_learner learner;

/* Where a product's events come from, and where its advice goes. */
volatile uint32_t event;
rnnlm_candidate best[3];

int main(void)
{
    const float *probabilities;
    rnnlm_status status = rnnlm_model_init(&model, &config, weights, RNNLM_WEIGHTS_LEN(V, D, H),
                                           workspace, RNNLM_WORKSPACE_LEN(V, D, H, N, T));
    if (status == RNNLM_OK) {
        status = rnnlm_learner_init(&learner, &model, 0.1f, prediction, RNNLM_PREDICTION_LEN(V, H),
                                    ids, RNNLM_IDS_LEN(T));
    }
    while (status == RNNLM_OK) {
        status = rnnlm_learner_observe(&learner, event, NULL);
        if (status == RNNLM_OK) {
            status = rnnlm_learner_probabilities(&learner, &probabilities, NULL);
        }
        if (status == RNNLM_OK) {
            status = rnnlm_top(probabilities, V, NULL, 0, best, 3, NULL);
        }
    }
    return 1;
}
