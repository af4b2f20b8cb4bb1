//! Adam and AdamW as PyTorch computes them, operation by operation in f32.

use serde::{Deserialize, Serialize};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Weight decay is a part of the gradient.
    Adam,
    /// Weight decay is apart from it (Loshchilov and Hutter, 2019).
    AdamW,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// What is added to a norm before gradients are divided by it, as
/// `clip_grad_norm_` does.
const CLIP_EPSILON: f64 = 1e-6;

/// An optimiser and what it remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimiser {
    algorithm: Algorithm,
    weight_decay: f64,
    /// How many steps were done.
    pub steps: u64,
    /// For each parameter.
    pub moments: Vec<Moments>,
}

/// Running means of a parameter's gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Of the gradient (`exp_avg`).
    pub first: Vec<f32>,
    /// Of its square (`exp_avg_sq`).
    pub second: Vec<f32>,
}

impl Optimiser {
    /// One that has done no step, for parameters of these lengths.
    #[must_use]
    pub fn new(algorithm: Algorithm, weight_decay: f64, lengths: &[usize]) -> Self {
        let moments = lengths.iter().map(|&length| Moments {
            first: vec![0.0; length],
            second: vec![0.0; length],
        });
        Self {
            algorithm,
            weight_decay,
            steps: 0,
            moments: moments.collect(),
        }
    }

    /// Begins a step; [`Update::apply`] then changes each parameter.
    pub fn step(&mut self, learning_rate: f64) -> Update<'_> {
        self.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        Update {
            step_size: (learning_rate / correction(BETA_1)) as f32,
            second_root: correction(BETA_2).sqrt() as f32,
            kept: (1.0 - learning_rate * self.weight_decay) as f32,
            optimiser: self,
        }
    }
}

/// One step of an optimiser.
#[derive(Debug)]
pub struct Update<'a> {
    optimiser: &'a mut Optimiser,
    step_size: f32,
    second_root: f32,
    kept: f32,
}

impl Update<'_> {
    /// Changes the parameter of that index.
    ///
    /// # Panics
    /// When there is none or lengths differ.
    pub fn apply(&mut self, index: usize, values: &mut [f32], gradient: &[f32]) {
        let (algorithm, decay) = (self.optimiser.algorithm, self.optimiser.weight_decay as f32);
        let Moments { first, second } = &mut self.optimiser.moments[index];
        assert!(
            values.len() == gradient.len() && values.len() == first.len(),
            "a gradient has another length than its parameter"
        );
        let (rate_1, beta_2, rate_2) =
            ((1.0 - BETA_1) as f32, BETA_2 as f32, (1.0 - BETA_2) as f32);
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            let mut gradient = gradient;
            match algorithm {
                Algorithm::Adam if decay != 0.0 => gradient += decay * *value,
                Algorithm::AdamW if decay != 0.0 => *value *= self.kept,
                _ => {}
            }
            *first += rate_1 * (gradient - *first);
            *second = *second * beta_2 + rate_2 * gradient * gradient;
            let denominator = second.sqrt() / self.second_root + EPSILON;
            *value -= self.step_size * (*first / denominator);
        }
    }
}

/// The norm of all gradients together: that of each, and of those.
#[must_use]
pub fn norm(gradients: &[Vec<f32>]) -> f64 {
    let squares = gradients.iter().map(|gradient| {
        gradient
            .iter()
            .map(|&number| f64::from(number) * f64::from(number))
            .sum::<f64>()
    });
    squares.sum::<f64>().sqrt()
}

/// Scales gradients whose norm is over `most` down to it.
pub fn clip(gradients: &mut [Vec<f32>], norm: f64, most: f64) {
    let factor = most / (norm + CLIP_EPSILON);
    if factor < 1.0 {
        for gradient in gradients {
            gradient
                .iter_mut()
                .for_each(|number| *number *= factor as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three steps of PyTorch 2.15 on x = (1, -2) with the gradients (0.5, -1),
    /// (0.1, 3), (-0.2, 0), learning rate 0.1, weight decay 0.1.
    #[test]
    fn steps_are_those_of_torch() {
        for (algorithm, expected) in [
            (Algorithm::Adam, [0.759_899_74, -1.970_586_3]),
            (Algorithm::AdamW, [0.758_352_64, -1.929_713_7]),
        ] {
            let mut optimiser = Optimiser::new(algorithm, 0.1, &[2]);
            let mut values = [1f32, -2.0];
            for gradient in [[0.5f32, -1.0], [0.1, 3.0], [-0.2, 0.0]] {
                optimiser.step(0.1).apply(0, &mut values, &gradient);
            }
            for (value, expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-6, "{algorithm:?}: {values:?}");
            }
        }
    }

    #[test]
    fn gradients_are_clipped_together() {
        let mut gradients = vec![vec![3.0f32], vec![0.0, 4.0]];
        assert_eq!(norm(&gradients), 5.0);
        clip(&mut gradients, 5.0, 10.0);
        assert_eq!(gradients, [vec![3.0], vec![0.0, 4.0]]);
        clip(&mut gradients, 5.0, 1.0);
        assert!((norm(&gradients) - 1.0).abs() < 1e-6);
    }
}
