//! Which of a model's files a checkpoint needs.

use crate::glob::Glob;
use crate::hub::listing::HubFile;

/// What a checkpoint has beside its weights, as far as a model has it: for this project, for
/// transformers, and the words on what it is and what one may do with it.
const COMPANIONS: [&str; 11] = [
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
    "README.md",
    "LICENSE",
];

/// The forms of weights, the best first: the file that says that there are some, and how names
/// of the others begin and end.
const WEIGHTS: [(&str, &str, &str); 5] = [
    ("model.safetensors", "", ""),
    ("model.safetensors.index.json", "model-", ".safetensors"),
    ("model.gguf", "", ""),
    ("pytorch_model.bin", "", ""),
    ("pytorch_model.bin.index.json", "pytorch_model-", ".bin"),
];

/// The files of a checkpoint, or those that match one of `include`, if there are any.
///
/// # Errors
/// What the model lacks.
pub fn select<'a>(files: &'a [HubFile], include: &[Glob]) -> Result<Vec<&'a HubFile>, String> {
    if !include.is_empty() {
        let matching: Vec<&HubFile> = files
            .iter()
            .filter(|file| include.iter().any(|glob| glob.matches(&file.name)))
            .collect();
        if matching.is_empty() {
            return Err("none of its files matches --include".to_owned());
        }
        return Ok(matching);
    }
    let has = |name: &str| files.iter().any(|file| file.name == name);
    if !has("config.json") {
        return Err("it has no config.json, so it is no checkpoint".to_owned());
    }
    let Some((first, begin, end)) = WEIGHTS.iter().find(|(first, ..)| has(first)) else {
        return Err("it has no weights".to_owned());
    };
    let is_shard = |name: &str| {
        !begin.is_empty() && !name.contains('/') && name.starts_with(begin) && name.ends_with(end)
    };
    Ok(files
        .iter()
        .filter(|file| {
            let name = file.name.as_str();
            COMPANIONS.contains(&name) || name == *first || is_shard(name)
        })
        .collect())
}

/// Whether these are weights that this project does not read.
#[must_use]
pub fn are_pickled(files: &[&HubFile]) -> bool {
    files
        .iter()
        .any(|file| file.name.starts_with("pytorch_model"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::{Algorithm, Checksum};

    fn files(names: &[&str]) -> Vec<HubFile> {
        names
            .iter()
            .map(|name| HubFile {
                name: (*name).to_owned(),
                bytes: 1,
                checksum: Checksum::of(Algorithm::Sha256, b"x"),
            })
            .collect()
    }

    fn selected(names: &[&str], include: &[&str]) -> Result<Vec<String>, String> {
        let include: Vec<Glob> = include.iter().map(|glob| glob.parse().unwrap()).collect();
        let files = files(names);
        let selected = select(&files, &include)?;
        Ok(selected.iter().map(|file| file.name.clone()).collect())
    }

    /// As Salesforce/blip2-flan-t5-xl has them.
    const PUBLISHED: [&str; 14] = [
        ".gitattributes",
        "README.md",
        "added_tokens.json",
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "preprocessor_config.json",
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
        "pytorch_model.bin.index.json",
        "onnx/model-1.safetensors",
        "tokenizer.json",
    ];

    #[test]
    fn safetensors_come_before_pickled_weights() {
        let names = selected(&PUBLISHED, &[]).unwrap();
        assert_eq!(
            names,
            [
                "README.md",
                "added_tokens.json",
                "config.json",
                "generation_config.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "preprocessor_config.json",
                "tokenizer.json"
            ]
        );
        let old = ["config.json", "pytorch_model.bin", "flax_model.msgpack"];
        assert_eq!(selected(&old, &[]).unwrap(), old[..2]);
        let all = files(&old);
        assert!(are_pickled(&select(&all, &[]).unwrap()));
    }

    #[test]
    fn patterns_choose_instead_and_what_is_missing_is_said() {
        let names = selected(&PUBLISHED, &["*.bin", "onnx/*"]).unwrap();
        assert_eq!(names.len(), 3);
        for (names, include, part) in [
            (&["model.safetensors"][..], &[][..], "no config.json"),
            (&["config.json"], &[], "no weights"),
            (&["config.json"], &["*.bin"], "--include"),
        ] {
            let error = selected(names, include).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
