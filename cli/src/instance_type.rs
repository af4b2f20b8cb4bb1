//! What an instance type's name says.

/// Whether SageMaker's instance type carries an NVIDIA GPU: its G and P families do.
#[must_use]
pub fn has_gpu(instance_type: &str) -> bool {
    let Some(family) = instance_type.strip_prefix("ml.") else {
        return false;
    };
    let mut signs = family.chars();
    matches!(signs.next(), Some('g' | 'p')) && signs.next().is_some_and(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::has_gpu;

    #[test]
    fn instances_with_a_gpu_are_known_by_their_family() {
        for (instance_type, gpu) in [
            ("ml.g5.2xlarge", true),
            ("ml.g4dn.xlarge", true),
            ("ml.p4d.24xlarge", true),
            ("ml.m5.xlarge", false),
            ("ml.c7g.large", false),
            ("g5.2xlarge", false),
        ] {
            assert_eq!(has_gpu(instance_type), gpu, "{instance_type}");
        }
    }
}
