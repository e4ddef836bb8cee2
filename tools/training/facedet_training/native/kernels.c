// Batch norm with ReLU for one CPU thread over channels-last floats, in as few passes as it takes: at 160 × 160 × 16 these layers
// wait for memory, so a pass less counts more than an operation less.
// Channels come in multiples of 8.

#include <math.h>
#include <string.h>

typedef float v8 __attribute__((vector_size(32), aligned(4)));
typedef int m8 __attribute__((vector_size(32), aligned(4)));

static inline v8 load(const float *p) { return *(const v8 *)p; }
static inline void store(float *p, v8 v) { *(v8 *)p = v; }
static inline v8 only_if(m8 mask, v8 v) { return (v8)((m8)v & mask); }

enum { BLOCK = 512, MAX_CHANNELS = 2048 };

// y = max(0, norm(x)); x is [m, c]. Writes the batch's mean and 1 / deviation, and moves the running statistics.
void norm_relu_forward(const float *x, float *y, long m, int c, const float *weight, const float *bias, float eps, float momentum,
                       float *running_mean, float *running_var, float *mean, float *inverse, int relu) {
  double sum[MAX_CHANNELS], square[MAX_CHANNELS];
  float s[MAX_CHANNELS], q[MAX_CHANNELS], shift[MAX_CHANNELS];
  memset(sum, 0, c * sizeof(double));
  memset(square, 0, c * sizeof(double));
  // Sums are taken about the first row, lest a mean far from zero eats the digits of the variance.
  memcpy(shift, x, c * sizeof(float));
  for (long begin = 0; begin < m; begin += BLOCK) {
    long end = begin + BLOCK < m ? begin + BLOCK : m;
    memset(s, 0, c * sizeof(float));
    memset(q, 0, c * sizeof(float));
    for (long i = begin; i < end; i++)
      for (int k = 0; k < c; k += 8) {
        v8 v = load(x + i * c + k) - load(shift + k);
        store(s + k, load(s + k) + v);
        store(q + k, load(q + k) + v * v);
      }
    for (int k = 0; k < c; k++) sum[k] += s[k], square[k] += q[k];
  }
  float scale[MAX_CHANNELS], offset[MAX_CHANNELS];
  for (int k = 0; k < c; k++) {
    double average = sum[k] / m, variance = square[k] / m - average * average;
    if (variance < 0) variance = 0;
    mean[k] = (float)(average + shift[k]);
    inverse[k] = (float)(1 / sqrt(variance + eps));
    running_mean[k] += momentum * (mean[k] - running_mean[k]);
    running_var[k] += momentum * ((float)(m > 1 ? variance * m / (m - 1) : variance) - running_var[k]);
    scale[k] = weight[k] * inverse[k];
    offset[k] = bias[k] - mean[k] * scale[k];
  }
  const v8 zero = {0};
  for (long i = 0; i < m; i++)
    for (int k = 0; k < c; k += 8) {
      v8 v = load(x + i * c + k) * load(scale + k) + load(offset + k);
      store(y + i * c + k, relu ? only_if(v > zero, v) : v);
    }
}

// From the gradient of y to those of x, weight and bias.
void norm_relu_backward(const float *x, const float *dy, float *dx, long m, int c, const float *weight, const float *bias,
                        const float *mean, const float *inverse, float *dweight, float *dbias, int relu) {
  float scale[MAX_CHANNELS], offset[MAX_CHANNELS], s[MAX_CHANNELS], q[MAX_CHANNELS];
  double sum[MAX_CHANNELS], product[MAX_CHANNELS];
  for (int k = 0; k < c; k++) {
    scale[k] = weight[k] * inverse[k];
    offset[k] = bias[k] - mean[k] * scale[k];
    sum[k] = product[k] = 0;
  }
  const v8 zero = {0};
  for (long begin = 0; begin < m; begin += BLOCK) {
    long end = begin + BLOCK < m ? begin + BLOCK : m;
    memset(s, 0, c * sizeof(float));
    memset(q, 0, c * sizeof(float));
    for (long i = begin; i < end; i++)
      for (int k = 0; k < c; k += 8) {
        v8 v = load(x + i * c + k), g = load(dy + i * c + k);
        if (relu) g = only_if(v * load(scale + k) + load(offset + k) > zero, g);
        store(s + k, load(s + k) + g);
        store(q + k, load(q + k) + g * (v - load(mean + k)));
      }
    for (int k = 0; k < c; k++) sum[k] += s[k], product[k] += q[k];
  }
  float a[MAX_CHANNELS], b[MAX_CHANNELS], d[MAX_CHANNELS];
  for (int k = 0; k < c; k++) {
    dbias[k] = (float)sum[k];
    dweight[k] = (float)(product[k] * inverse[k]);
    a[k] = scale[k];
    b[k] = (float)(-(double)scale[k] * dweight[k] * inverse[k] / m);
    d[k] = (float)(-(double)scale[k] * sum[k] / m) - b[k] * mean[k];
  }
  for (long i = 0; i < m; i++)
    for (int k = 0; k < c; k += 8) {
      v8 v = load(x + i * c + k), g = load(dy + i * c + k);
      if (relu) g = only_if(v * load(scale + k) + load(offset + k) > zero, g);
      store(dx + i * c + k, load(a + k) * g + load(b + k) * v + load(d + k));
    }
}
