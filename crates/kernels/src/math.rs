//! Functions of one f32, written so that a loop over them becomes vector code
//! in a function that is compiled for AVX-512.

/// `exp(x)`, relative error below 2e-7 where the result is a normal number;
/// 0 below that and the largest power above.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, so that r is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding it rounds to a whole number, which its low bits then hold.
    const ROUND: f32 = 12_582_912.0;
    let is_tiny = x < -87.0;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    // Taylor's series; the first term left out is below 2e-8 of the result.
    let mut sum = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = r.mul_add(sum, coefficient);
    }
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    if is_tiny { 0.0 } else { sum * power }
}

/// `erfc(z)` for `z ≥ 0`, absolute error below 2e-7 (Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 7.1.26).
#[inline(always)]
fn erfc(z: f32) -> f32 {
    let t = 1.0 / 0.327_591_1f32.mul_add(z, 1.0);
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6, 0.0] {
        sum = t.mul_add(sum, coefficient);
    }
    sum * exp(-z * z)
}

/// The Gaussian error linear unit, `x Φ(x)`.
#[inline(always)]
pub(crate) fn gelu_erf(x: f32) -> f32 {
    let size = x.abs();
    let tail = 0.5 * size * erfc(size * std::f32::consts::FRAC_1_SQRT_2);
    (if x > 0.0 { x } else { 0.0 }) - tail
}

/// Its approximation by tanh, which `gelu_new` of transformers is:
/// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, written as `x σ(2 …)`.
#[inline(always)]
pub(crate) fn gelu_tanh(x: f32) -> f32 {
    const TWICE_ROOT_2_OVER_PI: f32 = 1.595_769;
    let inner = TWICE_ROOT_2_OVER_PI * x * (0.044_715 * x).mul_add(x, 1.0);
    x / (1.0 + exp(-inner))
}

/// The derivative of [`gelu_erf`]: `Φ(x) + x φ(x)`.
#[inline(always)]
pub(crate) fn gelu_erf_derivative(x: f32) -> f32 {
    const ONE_OVER_ROOT_2_PI: f32 = 0.398_942_3;
    let size = x.abs();
    let tail = 0.5 * erfc(size * std::f32::consts::FRAC_1_SQRT_2);
    let below = if x > 0.0 { 1.0 - tail } else { tail };
    (x * ONE_OVER_ROOT_2_PI).mul_add(exp(-0.5 * x * x), below)
}

/// The derivative of [`gelu_tanh`].
#[inline(always)]
pub(crate) fn gelu_tanh_derivative(x: f32) -> f32 {
    const TWICE_ROOT_2_OVER_PI: f32 = 1.595_769;
    let square = 0.044_715 * x * x;
    let inner = TWICE_ROOT_2_OVER_PI * x * (square + 1.0);
    let slope = TWICE_ROOT_2_OVER_PI * 3f32.mul_add(square, 1.0);
    let sigmoid = 1.0 / (1.0 + exp(-inner));
    (x * slope * (1.0 - sigmoid)).mul_add(sigmoid, sigmoid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> impl Iterator<Item = f32> {
        (-20_000..=20_000).map(|step| step as f32 * 5e-4)
    }

    #[test]
    fn exp_is_exact_to_two_units() {
        for x in inputs().map(|x| x * 8.69) {
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) / expected - 1.0).abs();
            assert!(error < 2e-7, "exp({x}): {error}");
        }
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-1e30) == 0.0 && exp(f32::NEG_INFINITY) == 0.0 && exp(0.0) == 1.0);
    }

    #[test]
    fn gelu_is_that_of_its_definition() {
        // By the series of erf, which converges everywhere.
        let erf = |z: f64| {
            let (mut term, mut sum) = (z, z);
            for n in 1..200 {
                term *= -z * z / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            sum * std::f64::consts::FRAC_2_SQRT_PI
        };
        for x in inputs().filter(|x| x.abs() < 5.0) {
            let wide = f64::from(x);
            let expected = 0.5 * wide * (1.0 + erf(wide * std::f64::consts::FRAC_1_SQRT_2));
            let error = (f64::from(gelu_erf(x)) - expected).abs();
            assert!(error < 6e-7, "gelu({x}): {error}");
        }
        assert_eq!(gelu_erf(10.0), 10.0);
        assert!(gelu_erf(-10.0).abs() < 1e-20);
        assert!(gelu_erf(f32::NAN).is_nan());
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        for x in inputs().filter(|x| x.abs() < 6.0) {
            let wide = f64::from(x);
            let by_tanh = |x: f64| {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            };
            let step = 1e-4;
            let slope = (by_tanh(wide + step) - by_tanh(wide - step)) / (2.0 * step);
            let error = (f64::from(gelu_tanh_derivative(x)) - slope).abs();
            assert!(error < 2e-6, "gelu_tanh'({x}): {error}");
            // The exact form's functions are precise to single ones.
            let step = 0.02;
            let at = |x: f64| f64::from(gelu_erf(x as f32));
            let slope = (8.0 * (at(wide + step) - at(wide - step))
                - (at(wide + 2.0 * step) - at(wide - 2.0 * step)))
                / (12.0 * step);
            let error = (f64::from(gelu_erf_derivative(x)) - slope).abs();
            assert!(error < 1e-4, "gelu'({x}): {error}");
        }
        assert!(gelu_erf_derivative(f32::NAN).is_nan() && gelu_tanh_derivative(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_by_tanh_is_that_of_its_definition() {
        for x in inputs() {
            let wide = f64::from(x);
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044715 * wide.powi(3));
            let expected = 0.5 * wide * (1.0 + inner.tanh());
            let error = (f64::from(gelu_tanh(x)) - expected).abs();
            assert!(
                error < 3e-7 * wide.abs().max(1.0),
                "gelu_tanh({x}): {error}"
            );
        }
        assert!(gelu_tanh(f32::NAN).is_nan());
    }
}
