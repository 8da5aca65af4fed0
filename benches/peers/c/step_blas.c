/* The training step in C on a BLAS that is found at run time: what a C programmer gets with a page of code.
 *
 *     step_blas V D H N T rnn|lstm RATE LIBRARY:SYMBOL:PAGES FOLDER
 *
 * SYMBOL is the library's cblas_sgemm; one whose name ends in 64_ takes 64-bit sizes. PAGES is `large` where memory is
 * to stand on pages of 2 MB. FOLDER and the commands on standard input are those of `python/serve.py`. Every product is
 * one call; those of the weights' gradients go into the weights at once (alpha = -RATE, beta = 1). The compiler
 * vectorises exp, tanh and the sums.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
typedef void Sgemm32(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void Sgemm64(int, int, int, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                     float, float *, int64_t);

static void *sgemm;
static int sizes_have_64_bits, large_pages;

static void stop(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

/* A matrix of so many rows and columns, each row complete. */
typedef struct {
    float *at;
    size_t rows, cols;
} Matrix;

static Matrix matrix(size_t rows, size_t cols)
{
    size_t page = 2 << 20, bytes = (rows * cols * sizeof(float) + page) / page * page;
    Matrix made = {NULL, rows, cols};
    void *block;
    if (posix_memalign(&block, large_pages ? page : 64, bytes) != 0)
        stop("out of memory");
    if (large_pages)
        madvise(block, bytes, MADV_HUGEPAGE);
    made.at = memset(block, 0, bytes);
    return made;
}

/* The rows from `from` on, `rows` of them. */
static Matrix part(Matrix whole, size_t from, size_t rows)
{
    Matrix rest = {whole.at + from * whole.cols, rows, whole.cols};
    return rest;
}

/* C = alpha op(A) op(B) + beta C */
static void product(Matrix c, float alpha, int a_op, Matrix a, int b_op, Matrix b, float beta)
{
    size_t k = a_op == PLAIN ? a.cols : a.rows;
    if (sizes_have_64_bits)
        ((Sgemm64 *)sgemm)(ROW_MAJOR, a_op, b_op, c.rows, c.cols, k, alpha, a.at, a.cols, b.at, b.cols, beta, c.at,
                           c.cols);
    else
        ((Sgemm32 *)sgemm)(ROW_MAJOR, a_op, b_op, c.rows, c.cols, k, alpha, a.at, a.cols, b.at, b.cols, beta, c.at,
                           c.cols);
}

/* e^x in a form that compilers vectorise: 2^n times a polynomial in what remains (Taylor's to the sixth order, on
 * [-ln 2 / 2, ln 2 / 2], good to a float). */
static inline float fast_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    float n = rintf(x * 1.442695041f);
    float r = x - n * 0.693145752f - n * 1.428606820e-6f;
    float p = 1.0f + r * (1.0f + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r / 720)))));
    union {
        int32_t bits;
        float value;
    } power = {((int32_t)n + 127) << 23};
    return p * power.value;
}

static inline float fast_tanh(float x)
{
    x = x > 9.0f ? 9.0f : x < -9.0f ? -9.0f : x;
    float e = fast_exp(2 * x);
    return (e - 1) / (e + 1);
}

static inline float fast_sigmoid(float x)
{
    return 1 / (1 + fast_exp(x > 80.0f ? -80.0f : -x));
}

static size_t V, D, H, N, T, ROWS;
static int is_lstm;
static float rate;
/* embed.W, Wx, Wh, b, affine.W, affine.b */
static Matrix embed_w, wx, wh, b, affine_w, affine_b;
/* h, and the c of an LSTM, have the state before the window in their first N rows. */
static Matrix x, h, c, logits, dh, dx;
/* Of an LSTM: z of the gates f, g, i, o, then the gates, then dz; and tanh c; and the gradient that the step behind
 * hands to c. */
static Matrix z, tanh_c, dc;

static void start_at(Matrix rows, Matrix bias)
{
    for (size_t r = 0; r < rows.rows; r++)
        memcpy(part(rows, r, 1).at, bias.at, rows.cols * sizeof(float));
}

static void descend_by_sums(Matrix bias, Matrix gradient)
{
    for (size_t r = 0; r < gradient.rows; r++)
        for (size_t i = 0; i < gradient.cols; i++)
            bias.at[i] -= rate * gradient.at[r * gradient.cols + i];
}

/* Logits become their gradient; gives the mean loss. */
static float softmax_with_loss(const uint32_t *ts)
{
    double loss = 0;
    for (size_t r = 0; r < ROWS; r++) {
        float *row = part(logits, r, 1).at, largest = row[0], sum = 0;
        for (size_t i = 0; i < V; i++)
            largest = row[i] > largest ? row[i] : largest;
        float target = row[ts[r]] - largest;
        for (size_t i = 0; i < V; i++) {
            row[i] = fast_exp(row[i] - largest);
            sum += row[i];
        }
        loss += logf(sum) - target;
        float scale = 1 / (sum * ROWS);
        for (size_t i = 0; i < V; i++)
            row[i] *= scale;
        row[ts[r]] -= 1.0f / ROWS;
    }
    return loss / ROWS;
}

/* z_t += h_{t-1} Wh and h_t = tanh z_t, in the place of h. */
static void rnn_forward(void)
{
    for (size_t t = 0; t < T; t++) {
        Matrix now = part(h, (t + 1) * N, N);
        product(now, 1, PLAIN, part(h, t * N, N), PLAIN, wh, 1);
        for (size_t i = 0; i < N * H; i++)
            now.at[i] = fast_tanh(now.at[i]);
    }
}

/* dz in the place of dh. */
static void rnn_backward(void)
{
    for (size_t t = T; t-- > 0;) {
        Matrix d = part(dh, t * N, N);
        if (t + 1 < T)
            product(d, 1, PLAIN, part(dh, (t + 1) * N, N), TRANSPOSED, wh, 1);
        for (size_t i = 0; i < N * H; i++) {
            float y = h.at[(t + 1) * N * H + i];
            d.at[i] *= 1 - y * y;
        }
    }
}

/* z becomes the gates; c_t = f c_{t-1} + g i, h_t = o tanh c_t. */
static void lstm_forward(void)
{
    for (size_t t = 0; t < T; t++) {
        product(part(z, t * N, N), 1, PLAIN, part(h, t * N, N), PLAIN, wh, 1);
        for (size_t r = t * N; r < (t + 1) * N; r++) {
            float *restrict f = part(z, r, 1).at, *restrict g = f + H, *restrict in = g + H, *restrict o = in + H;
            float *restrict c_now = part(c, r + N, 1).at, *restrict h_now = part(h, r + N, 1).at;
            float *restrict tanh_now = part(tanh_c, r, 1).at;
            const float *restrict c_before = part(c, r, 1).at;
            for (size_t i = 0; i < H; i++) {
                f[i] = fast_sigmoid(f[i]);
                g[i] = fast_tanh(g[i]);
                in[i] = fast_sigmoid(in[i]);
                o[i] = fast_sigmoid(o[i]);
                c_now[i] = f[i] * c_before[i] + g[i] * in[i];
                tanh_now[i] = fast_tanh(c_now[i]);
                h_now[i] = o[i] * tanh_now[i];
            }
        }
    }
}

/* The gates become dz. */
static void lstm_backward(void)
{
    memset(dc.at, 0, N * H * sizeof(float));
    for (size_t t = T; t-- > 0;) {
        if (t + 1 < T)
            product(part(dh, t * N, N), 1, PLAIN, part(z, (t + 1) * N, N), TRANSPOSED, wh, 1);
        for (size_t r = t * N; r < (t + 1) * N; r++) {
            float *restrict f = part(z, r, 1).at, *restrict g = f + H, *restrict in = g + H, *restrict o = in + H;
            float *restrict dc_row = part(dc, r - t * N, 1).at;
            const float *restrict dh_row = part(dh, r, 1).at, *restrict c_before = part(c, r, 1).at;
            const float *restrict tanh_now = part(tanh_c, r, 1).at;
            for (size_t i = 0; i < H; i++) {
                float y = tanh_now[i], candidate = g[i], input = in[i];
                float d = dc_row[i] + dh_row[i] * o[i] * (1 - y * y);
                dc_row[i] = d * f[i];
                f[i] = d * c_before[i] * f[i] * (1 - f[i]);
                g[i] = d * input * (1 - candidate * candidate);
                in[i] = d * candidate * input * (1 - input);
                o[i] = dh_row[i] * y * o[i] * (1 - o[i]);
            }
        }
    }
}

/* One step on a window of time-major ids; gives its mean loss. */
static float step(const uint32_t *xs, const uint32_t *ts)
{
    Matrix after = part(h, N, ROWS), before = part(h, 0, ROWS);
    Matrix inputs = is_lstm ? z : after, dz = is_lstm ? z : dh;
    for (size_t r = 0; r < ROWS; r++)
        memcpy(part(x, r, 1).at, part(embed_w, xs[r], 1).at, D * sizeof(float));
    memcpy(h.at, part(h, ROWS, N).at, N * H * sizeof(float));
    if (is_lstm)
        memcpy(c.at, part(c, ROWS, N).at, N * H * sizeof(float));
    start_at(inputs, b);
    product(inputs, 1, PLAIN, x, PLAIN, wx, 1);
    is_lstm ? lstm_forward() : rnn_forward();
    start_at(logits, affine_b);
    product(logits, 1, PLAIN, after, PLAIN, affine_w, 1);
    float loss = softmax_with_loss(ts);
    product(dh, 1, PLAIN, logits, TRANSPOSED, affine_w, 0);
    is_lstm ? lstm_backward() : rnn_backward();
    product(dx, 1, PLAIN, dz, TRANSPOSED, wx, 0);
    product(affine_w, -rate, TRANSPOSED, after, PLAIN, logits, 1);
    descend_by_sums(affine_b, logits);
    product(wx, -rate, TRANSPOSED, x, PLAIN, dz, 1);
    product(wh, -rate, TRANSPOSED, before, PLAIN, dz, 1);
    descend_by_sums(b, dz);
    for (size_t r = 0; r < ROWS; r++) {
        float *word = part(embed_w, xs[r], 1).at, *gradient = part(dx, r, 1).at;
        for (size_t i = 0; i < D; i++)
            word[i] -= rate * gradient[i];
    }
    return loss;
}

static FILE *open_in(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (!file)
        stop(path);
    return file;
}

static void find_sgemm(char *variant)
{
    char *library = strtok(variant, ":"), *symbol = strtok(NULL, ":"), *pages = strtok(NULL, ":");
    if (!library || !symbol || !pages)
        stop("name LIBRARY:SYMBOL:PAGES");
    void *opened = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (!opened)
        stop(dlerror());
    sgemm = dlsym(opened, symbol);
    if (!sgemm)
        stop("the library has no such symbol");
    size_t length = strlen(symbol);
    sizes_have_64_bits = length > 3 && strcmp(symbol + length - 3, "64_") == 0;
    large_pages = strcmp(pages, "large") == 0;
}

int main(int count, char **words)
{
    if (count != 10)
        stop("usage: step_blas V D H N T rnn|lstm RATE LIBRARY:SYMBOL:PAGES FOLDER");
    size_t *sizes[] = {&V, &D, &H, &N, &T};
    for (int i = 0; i < 5; i++)
        *sizes[i] = strtoull(words[i + 1], NULL, 10);
    is_lstm = strcmp(words[6], "lstm") == 0;
    rate = strtof(words[7], NULL);
    ROWS = N * T;
    find_sgemm(words[8]);
    const char *folder = words[9];
    size_t columns = is_lstm ? 4 * H : H;

    embed_w = matrix(V, D), wx = matrix(D, columns), wh = matrix(H, columns), b = matrix(1, columns);
    affine_w = matrix(H, V), affine_b = matrix(1, V);
    x = matrix(ROWS, D), h = matrix(ROWS + N, H), logits = matrix(ROWS, V), dh = matrix(ROWS, H), dx = matrix(ROWS, D);
    if (is_lstm)
        c = matrix(ROWS + N, H), tanh_c = matrix(ROWS, H), z = matrix(ROWS, columns), dc = matrix(N, H);
    Matrix weights[] = {embed_w, wx, wh, b, affine_w, affine_b};
    FILE *file = open_in(folder, "weights", "rb");
    for (int i = 0; i < 6; i++) {
        size_t floats = weights[i].rows * weights[i].cols;
        if (fread(weights[i].at, sizeof(float), floats, file) < floats)
            stop("the weights are cut short");
    }
    fclose(file);

    /* of each window inputs and targets, batch-major in the file */
    size_t windows = 0, ids = 2 * ROWS;
    uint32_t *all = NULL, *read = malloc(ids * sizeof *read);
    file = open_in(folder, "windows", "rb");
    while (fread(read, sizeof *read, ids, file) == ids) {
        all = realloc(all, (windows + 1) * ids * sizeof *all);
        for (size_t which = 0; which < 2; which++)
            for (size_t r = 0; r < ROWS; r++)
                all[windows * ids + which * ROWS + r] = read[which * ROWS + r % N * T + r / N];
        windows++;
    }
    fclose(file);
    if (windows == 0)
        stop("there are no windows");

    puts("ready");
    fflush(stdout);
    char line[64];
    for (size_t position = 0; fgets(line, sizeof line, stdin);) {
        long steps;
        if (sscanf(line, "train %ld", &steps) == 1) {
            float loss = NAN;
            for (; steps > 0; steps--, position++) {
                uint32_t *window = all + position % windows * ids;
                loss = step(window, window + ROWS);
            }
            printf("%.9g\n", loss);
        } else {
            file = open_in(folder, "weights", "wb");
            for (int i = 0; i < 6; i++)
                fwrite(weights[i].at, sizeof(float), weights[i].rows * weights[i].cols, file);
            fclose(file);
            puts("written");
        }
        fflush(stdout);
    }
    return 0;
}
