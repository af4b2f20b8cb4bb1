//! How the learning rate changes from step to step.

/// The shape after the warm-up, as transformers' schedules have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It stays.
    Constant,
    /// It falls to 0 in a straight line.
    Linear,
    /// It falls to 0 along half a cosine.
    Cosine,
}

/// The learning rate over all steps of a job.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// What the shape scales.
    pub learning_rate: f64,
    /// The shape.
    pub shape: Shape,
    /// Steps in which it rises from 0.
    pub warmup_steps: u64,
    /// All steps.
    pub total_steps: u64,
}

impl Schedule {
    /// The learning rate of a step, counted from 0.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        let after = |steps: u64| self.total_steps.saturating_sub(steps) as f64;
        if step < self.warmup_steps {
            return self.learning_rate * step as f64 / self.warmup_steps as f64;
        }
        let whole = after(self.warmup_steps).max(1.0);
        self.learning_rate
            * match self.shape {
                Shape::Constant => 1.0,
                Shape::Linear => after(step) / whole,
                Shape::Cosine => {
                    let done = (step - self.warmup_steps) as f64 / whole;
                    (0.5 * (1.0 + (std::f64::consts::PI * done).cos())).max(0.0)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `get_scheduler` of transformers 5.23 for 2 steps of warm-up
    /// and 10 in all.
    #[test]
    fn schedules_are_those_of_transformers() {
        let at = |shape, step| {
            let schedule = Schedule {
                learning_rate: 0.1,
                shape,
                warmup_steps: 2,
                total_steps: 10,
            };
            (schedule.at(step) * 1e6).round() / 1e6
        };
        for shape in [Shape::Constant, Shape::Linear, Shape::Cosine] {
            assert_eq!((at(shape, 0), at(shape, 1), at(shape, 2)), (0.0, 0.05, 0.1));
        }
        assert_eq!(at(Shape::Constant, 9), 0.1);
        assert_eq!((at(Shape::Linear, 6), at(Shape::Linear, 10)), (0.05, 0.0));
        assert_eq!(
            (at(Shape::Cosine, 6), at(Shape::Cosine, 4)),
            (0.05, 0.085355)
        );
    }
}
