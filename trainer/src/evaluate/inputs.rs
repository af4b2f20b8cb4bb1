//! What an evaluation reads before anything is asked.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use attributes::AttributeSet;

use super::data::{Row, TestSet, Vocabulary, chosen, read_rows, read_rows_if_any, without_repeats};
use super::options::{EvaluateArgs, attribute_names};

/// The values that a checkpoint was taught, in its folder.
const VOCABULARY_FILE: &str = "vocabulary.json";

/// Files, read and checked.
#[derive(Debug)]
pub struct Inputs {
    /// What attributes and values mean.
    pub set: AttributeSet,
    /// The questions.
    pub test: TestSet,
    /// Rows about what is evaluated that say what one before them says, and count
    /// once.
    pub repeated_rows: u64,
    /// What answers are held to.
    pub vocabulary: Vocabulary,
    /// The rows of the training file.
    pub training: Option<Vec<Row>>,
    /// Lists of attributes to average over, by their places: all that have a
    /// known truth, then those asked for.
    pub averages: Vec<Vec<usize>>,
}

impl Inputs {
    /// Reads all files.
    ///
    /// # Errors
    /// The first that is missing or wrong, with what to mend.
    pub fn read(args: &EvaluateArgs) -> Result<Inputs> {
        let set = args.read_attribute_set()?;
        let wanted = attribute_names("--attributes", &args.attributes, &set)?;
        let rows = read_rows(&args.data, &set).context("--data")?;
        let known_values = rows.clone();
        let rows = match &args.na_data {
            None => rows,
            Some(path) => with_missing(rows, path, &set).context("--na-data")?,
        };
        // What is not evaluated may say what it likes.
        let rows = chosen(rows, &set, &wanted, args.limit, args.seed);
        let (rows, repeated_rows) = without_repeats(rows).context("--data and --na-data")?;
        let test = TestSet::new(rows, &set, &wanted).context("--data")?;
        let training = match &args.train_data {
            None => None,
            Some(path) => Some(read_rows(path, &set).context("--train-data")?),
        };
        let vocabulary = vocabulary(args, &test, training.as_deref(), &known_values, &set)?;
        let averages = averages(args, &test, &set)?;
        Ok(Inputs {
            set,
            test,
            repeated_rows,
            vocabulary,
            training,
            averages,
        })
    }

    /// How many products of the test are in the training file as well: they
    /// make every score too good.
    #[must_use]
    pub fn products_in_training(&self) -> usize {
        let trained: BTreeSet<&str> = self
            .training
            .iter()
            .flatten()
            .map(|row| row.id.as_str())
            .collect();
        let in_training = |id: &&String| trained.contains(id.as_str());
        self.test.products.iter().filter(in_training).count()
    }
}

fn with_missing(mut rows: Vec<Row>, path: &Path, set: &AttributeSet) -> Result<Vec<Row>> {
    // A catalogue in which nothing is NA leaves a file without rows, which a pipeline hands
    // on like any other: that is a warning.
    let missing = read_rows_if_any(path, set)?;
    if let Some(row) = missing.iter().find(|row| row.truth.is_some()) {
        bail!(
            "{}: the answer to {:?} about {} is {:?}, not NA",
            path.display(),
            row.question,
            row.id,
            row.answer
        );
    }
    rows.extend(missing);
    Ok(rows)
}

fn vocabulary(
    args: &EvaluateArgs,
    test: &TestSet,
    training: Option<&[Row]>,
    data: &[Row],
    set: &AttributeSet,
) -> Result<Vocabulary> {
    let names = &test.attributes;
    if let Some(path) = &args.vocabulary {
        return Vocabulary::of_file(path, names, set)
            .and_then(|vocabulary| vocabulary.complete(names))
            .context("--vocabulary");
    }
    let mut vocabulary = match (training, &args.train_data) {
        (Some(rows), Some(path)) => {
            let source = format!("the values of {}", path.display());
            Vocabulary::of_rows(rows, names, set, source)
        }
        _ => Vocabulary {
            choices: vec![Vec::new(); names.len()],
            source: String::new(),
        },
    };
    // Training may not have asked about all that is evaluated: an attribute that was
    // held out has its values from elsewhere.
    let of_checkpoint = args.model_dir.as_ref().map(|dir| dir.join(VOCABULARY_FILE));
    if let Some(path) = of_checkpoint.filter(|path| path.is_file() && !vocabulary.is_complete()) {
        let taught = Vocabulary::of_checkpoint(&path, names, set, data)?;
        vocabulary = vocabulary.or(taught, names);
    }
    if !vocabulary.is_complete() {
        let source = format!("the values of {} itself", args.data.display());
        vocabulary = vocabulary.or(Vocabulary::of_rows(data, names, set, source), names);
    }
    vocabulary.complete(names)
}

fn averages(args: &EvaluateArgs, test: &TestSet, set: &AttributeSet) -> Result<Vec<Vec<usize>>> {
    let has_truth = |attribute: &usize| {
        test.items
            .iter()
            .any(|item| item.attribute == *attribute && item.truth.is_some())
    };
    let mut averages = vec![(0..test.attributes.len()).filter(has_truth).collect()];
    let names = attribute_names("--average-over", &args.average_over, set)?;
    if !names.is_empty() {
        let place = |name: &String| {
            let place = test.attributes.iter().position(|known| known == name);
            let place = place.filter(has_truth);
            place.with_context(|| format!("--average-over: the data have no answers about {name}"))
        };
        let selected: Vec<usize> = names.iter().map(place).collect::<Result<_>>()?;
        averages.push(selected);
    }
    Ok(averages)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: EvaluateArgs,
    }

    #[test]
    fn rows_that_are_not_evaluated_are_not_judged() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("vqa_test.csv");
        let mut rows = String::from("id,Question,Answer\n");
        for id in 1..=9 {
            // Two fabrics of one product, and each fit twice.
            for answer in [
                "Fabric: Silk",
                "Fabric: Linen",
                "Fit: Slim Fit",
                "Fit: Slim Fit",
            ] {
                rows += &format!("{id},?,{answer}\n");
            }
        }
        std::fs::write(&data, rows).unwrap();
        let read = |more: &[&str]| {
            let data = data.to_str().unwrap();
            let fixed = ["evaluate", "--endpoint", "http://h", "--data", data];
            let fixed = fixed.iter().chain(&["--images", ".", "--out", "o"]);
            let args = Line::try_parse_from(fixed.chain(more)).unwrap().args;
            let repeated = |inputs: Inputs| inputs.repeated_rows;
            Inputs::read(&args).map(repeated)
        };
        let error = format!("{:#}", read(&[]).unwrap_err());
        assert!(error.contains("no answer is right"), "{error}");
        assert_eq!(read(&["--attributes", "Fit"]).unwrap(), 9);
        assert_eq!(read(&["--attributes", "Fit", "--limit", "2"]).unwrap(), 2);
    }

    #[test]
    fn words_that_a_checkpoint_was_taught_are_those_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("vqa_test.csv");
        let rows = "id,Question,Answer\n1,What is the colour?,baseColour: Blue\n";
        std::fs::write(&data, rows).unwrap();
        let taught = r#"{"baseColour": ["Blue", "Red"], "Occasion": ["Casual"]}"#;
        std::fs::write(folder.path().join(VOCABULARY_FILE), taught).unwrap();
        let (model, data) = (folder.path().to_str().unwrap(), data.to_str().unwrap());
        let line = ["evaluate", "--model-dir", model, "--data", data];
        let line = line.iter().chain(&["--images", ".", "--out", "o"]);
        let args = Line::try_parse_from(line).unwrap().args;
        let vocabulary = Inputs::read(&args).unwrap().vocabulary;
        let texts = vocabulary.choices[0]
            .iter()
            .map(|choice| choice.text.as_str());
        let texts: Vec<&str> = texts.collect();
        assert_eq!(texts, ["baseColour: Blue", "baseColour: Red"]);
    }

    #[test]
    fn an_attribute_that_was_held_out_of_training_can_be_evaluated() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, rows: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("id,Question,Answer\n{rows}")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let train = file(
            "vqa_train.csv",
            "1,What is the fit?,Fit: Slim Fit\n2,What is the fit?,Fit: Regular Fit\n",
        );
        let test = file(
            "vqa_test.csv",
            "3,What is the fit?,Fit: Slim Fit\n3,What is the colour?,Colour: Blue\n\
             3,What is the collar?,Collar: Slim Collar\n",
        );
        std::fs::write(
            folder.path().join(VOCABULARY_FILE),
            r#"{"Fit": ["Slim Fit"], "Collar": ["Slim Collar", "Spread Collar"]}"#,
        )
        .unwrap();
        let model = folder.path().to_str().unwrap();
        let line = [
            "evaluate",
            "--model-dir",
            model,
            "--data",
            &test,
            "--train-data",
            &train,
            "--images",
            ".",
            "--out",
            "o",
        ];
        let args = Line::try_parse_from(line).unwrap().args;
        let vocabulary = Inputs::read(&args).unwrap().vocabulary;
        let sizes: Vec<usize> = vocabulary.choices.iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
        let source = &vocabulary.source;
        assert!(
            source.contains("for Collar to") && source.ends_with("vqa_test.csv itself"),
            "{source}"
        );
    }
}
