//! Names of images: `registry/path:tag`.

/// What is needed of an image's name to push it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Without registry and tag.
    pub path: String,
    /// "latest" where none is named.
    pub tag: String,
}

/// Reads an image's name as docker does. An id or a digest has no path: nothing then.
#[must_use]
pub fn parse(image: &str) -> Option<Reference> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let (name, tag) = match name.rsplit_once(':') {
        // A colon before a slash is that of a port.
        Some((before, tag)) if !tag.contains('/') => (before, tag),
        _ => (name, "latest"),
    };
    let path = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => rest,
        _ => name,
    };
    let is_id = path.len() >= 12 && path.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!path.is_empty() && !tag.is_empty() && path != "sha256" && !is_id).then(|| Reference {
        path: path.to_owned(),
        tag: tag.to_owned(),
    })
}

/// Why a name is none of a repository in ECR, if it isn't.
#[must_use]
pub fn fault_of_repository(name: &str) -> Option<String> {
    let is_name = (2..=256).contains(&name.len())
        && name.split('/').all(|part| {
            let ends_well = |byte: Option<u8>| {
                byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            ends_well(part.bytes().next())
                && ends_well(part.bytes().last())
                && part.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
                })
        });
    (!is_name).then(|| {
        format!(
            "{name:?} is no name of a repository in ECR: 2 to 256 lower-case letters, digits, and between them . _ - and / are"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (image, path, tag) in [
            ("model-server", "model-server", "latest"),
            ("lookbook/model-server:1.2", "lookbook/model-server", "1.2"),
            ("localhost:5000/a/b:x", "a/b", "x"),
            ("localhost:5000/a", "a", "latest"),
            ("ghcr.io/a/b", "a/b", "latest"),
            ("a:1@sha256:0123", "a", "1"),
        ] {
            let read = parse(image).unwrap();
            assert_eq!((read.path.as_str(), read.tag.as_str()), (path, tag));
        }
        for none in [
            "",
            "0123456789ab",
            "sha256:0123456789abcdef",
            "a:",
            "ghcr.io/",
        ] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_repository_has_a_name_that_ecr_takes() {
        for name in ["lookbook", "lookbook/model-server", "a1/b_c.d"] {
            assert_eq!(fault_of_repository(name), None);
        }
        for name in ["", "a", "Lookbook", "lookbook/", "/lookbook", "-a", "a b"] {
            assert!(fault_of_repository(name).is_some(), "{name}");
        }
    }
}
