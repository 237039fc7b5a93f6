/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* exp and tanh on the vectors of the rung whose simd_<rung>.h was included before. */

/* 2^x for x <= 0: 2^n · p(f) with n = round(x), f = x - n, p minimax of degree 6 for the relative
 * error on [-1/2, 1/2] with p(0) = 1. Exactly 1 at 0 and +0 at -inf, NaN for NaN; at most 1 ulp off
 * where vf_fma is fused, else 1.25. */
static inline vf exp2_nonpositive(vf x)
{
    x = vf_max(vf_set(-160.0f), x); /* NaN is the second operand, so it stays */
    vf n = vf_round(x);
    vf f = vf_sub(x, n);
    vf p = vf_set(0x1.41fbbcp-13f);
    p = vf_fma(p, f, vf_set(0x1.5f3e54p-10f));
    p = vf_fma(p, f, vf_set(0x1.3b2d4cp-7f));
    p = vf_fma(p, f, vf_set(0x1.c6aee8p-5f));
    p = vf_fma(p, f, vf_set(0x1.ebfbdcp-3f));
    p = vf_fma(p, f, vf_set(0x1.62e43p-1f));
    p = vf_fma(p, f, vf_set(1.0f));
    return vf_scale(p, n);
}

/* e^x for x <= 0, within 2^-23 of it: the argument is rounded once more. */
static inline vf exp_nonpositive(vf x)
{
    return exp2_nonpositive(vf_mul(x, vf_set(0x1.715476p+0f)));
}

/* tanh: an odd polynomial up to 0.625 (Moshier, Cephes, tanhf), else 1 - 2 / (e^2|x| + 1), written
 * with e^-2|x| so that it cannot overflow. At most 2 ulp off. NaN for NaN. */
static inline vf tanh_vector(vf x)
{
    const vf zero = vf_set(0.0f), one = vf_set(1.0f);
    vf size = vf_max(vf_sub(zero, x), x);
    vf z = vf_mul(x, x);
    vf p = vf_set(-5.70498872745e-3f);
    p = vf_fma(p, z, vf_set(2.06390887954e-2f));
    p = vf_fma(p, z, vf_set(-5.37397155531e-2f));
    p = vf_fma(p, z, vf_set(1.33314422036e-1f));
    p = vf_fma(p, z, vf_set(-3.33332819422e-1f));
    vf small = vf_fma(vf_mul(p, z), x, x);
    vf e = exp_nonpositive(vf_mul(size, vf_set(-2.0f)));
    vf large = vf_sub(one, vf_div(vf_add(e, e), vf_add(one, e)));
    large = vf_select(vf_less(x, zero), vf_sub(zero, large), large);
    return vf_select(vf_less(size, vf_set(0.625f)), small, large);
}
