use super::*;

#[test]
fn defaults_are_those_of_the_reference() {
    let settings = Hyperparameters::parse("{}").unwrap();
    assert_eq!((settings.epochs, settings.batch_size), (10, 16));
    assert_eq!(settings.learning_rate, 0.0025);
    assert_eq!(settings.optimizer, Algorithm::Adam);
    let Train::Lora(lora) = settings.train else {
        panic!("it trains everything");
    };
    assert_eq!((lora.r, lora.alpha, lora.dropout), (8, 32.0, 0.05));
    assert_eq!(
        lora.target_modules,
        TargetModules::Names(vec!["q".into(), "v".into()])
    );
}

#[test]
fn values_are_strings_also_such_that_are_quoted_twice() {
    let settings = Hyperparameters::parse(
        r#"{"file-name": "\"x.csv\"", "epochs": "\"3\"", "lr": "1e-4", "seed": 5,
            "shuffle": "False", "model-name": "null", "sagemaker_program": "\"train.py\"",
            "lora-target-modules": ".*SelfAttention\\.(q|v)"}"#,
    )
    .unwrap();
    assert_eq!(settings.file_name, "x.csv");
    assert_eq!(
        (settings.epochs, settings.seed, settings.shuffle),
        (3, 5, false)
    );
    assert_eq!((settings.learning_rate, settings.model_name), (1e-4, None));
    assert!(matches!(
        settings.train,
        Train::Lora(LoraConfig {
            target_modules: TargetModules::Pattern(_),
            ..
        })
    ));
}

#[test]
fn a_byte_order_mark_of_an_editor_says_nothing() {
    let settings = Hyperparameters::parse("\u{feff}{\"epochs\": \"3\"}").unwrap();
    assert_eq!(settings.epochs, 3);
    // Two of them are no JSON.
    assert!(Hyperparameters::parse("\u{feff}\u{feff}{}").is_err());
}

#[test]
fn what_is_wrong_is_named() {
    for (text, needle) in [
        (r#"{"epoch": "3"}"#, "unknown hyperparameter `epoch`"),
        (
            r#"{"epochs": "0"}"#,
            "`epochs` is `0`, it has to be a whole number from 1 to 1000000",
        ),
        (r#"{"epochs": "18446744073709551615"}"#, "from 1 to 1000000"),
        (r#"{"batch-size": "18446744073709551615"}"#, "`batch-size`"),
        (
            r#"{"gradient-accumulation-steps": "65537"}"#,
            "`gradient-accumulation-steps` is `65537`",
        ),
        (r#"{"checkpoint-steps": "-1"}"#, "`checkpoint-steps`"),
        (
            r#"{"feature-store-mib": "17592186044416"}"#,
            "`feature-store-mib` is `17592186044416`, it has to be a whole number from 0 to",
        ),
        (r#"{"lora-r": "4097"}"#, "`lora-r` is `4097`"),
        (
            r#"{"lr": "1e300"}"#,
            "`lr` is `1e300`, it has to be a number from 0 to 1e38",
        ),
        (r#"{"epochs": "many"}"#, "`epochs` is `many`"),
        (r#"{"lr": "-1"}"#, "`lr` is `-1`"),
        (r#"{"lr": "nan"}"#, "`lr` is `nan`"),
        (r#"{"optimizer": "sgd"}"#, "adam, adamw"),
        (
            r#"{"precision": "f16"}"#,
            "`precision` is `f16`, it has to be one of f32, bf16",
        ),
        (
            r#"{"label-smoothing": "1"}"#,
            "`label-smoothing` is `1`, it has to be a number of at least 0 and below 1",
        ),
        (r#"{"label-smoothing": "-0.1"}"#, "`label-smoothing`"),
        // In f32 it is 1.
        (
            r#"{"label-smoothing": "0.99999999"}"#,
            "`label-smoothing` is `0.99999999`, it has to be a number of at least 0 and below 1, \
             to the precision of f32",
        ),
        (
            r#"{"lr": "0.1", "epochs": "3", "lr": "0.2"}"#,
            "`lr` is given more than once",
        ),
        (r#"{"file-name": "../x.csv"}"#, "`file-name`"),
        (
            r#"{"train": "all", "initial-adapter": "x"}"#,
            "`initial-adapter`",
        ),
        (
            r#"{"train": "sight", "select-best": "macro-f1"}"#,
            "take `loss`",
        ),
        (r#"{"shuffle": "maybe"}"#, "`shuffle`"),
        (r#"{"fresh-qformer": "true"}"#, "`fresh-qformer`"),
        (
            r#"{"lora-target-modules": " , "}"#,
            "`lora-target-modules` is `,`, it has to be names of layers",
        ),
        (r#"{"epochs": ["3"]}"#, "has to be a string"),
        (
            r#"{"initial-adapter": "../.."}"#,
            "`initial-adapter` is `../..`",
        ),
        (r#"{"initial-adapter": "start/../x"}"#, "`initial-adapter`"),
        (r#"{"initial-adapter": "./start"}"#, "`initial-adapter`"),
        ("[]", "JSON object"),
    ] {
        let error = format!("{:#}", Hyperparameters::parse(text).unwrap_err());
        assert!(error.contains(needle), "{error}");
    }
    let long = format!(r#"{{"lr": "{}"}}"#, "9".repeat(5_000));
    let error = format!("{:#}", Hyperparameters::parse(&long).unwrap_err());
    assert!(error.len() < 200, "{error}");
}

#[test]
fn what_is_about_adapters_is_refused_where_none_learns() {
    for train in ["all", "sight"] {
        for (name, value) in DEFAULTS
            .iter()
            .filter(|(name, _)| name.starts_with("lora-"))
        {
            let text = format!(r#"{{"train": "{train}", "{name}": "{value}"}}"#);
            let error = Hyperparameters::parse(&text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(error.contains("with `train` = `lora` only"), "{error}");
            let with_adapter = text.replace(train, "lora");
            assert!(Hyperparameters::parse(&with_adapter).is_ok(), "{name}");
        }
    }
}

#[test]
fn what_has_no_meaning_is_told_before_what_is_wrong_with_its_value() {
    for (name, value) in [
        ("lora-dropout", ""),
        ("lora-dropout", "2"),
        ("lora-r", "many"),
        ("lora-target-modules", ""),
        ("lora-target-modules", "("),
        ("initial-adapter", "../.."),
    ] {
        for train in ["all", "sight"] {
            let text = format!(r#"{{"train": "{train}", "{name}": "{value}"}}"#);
            let error = Hyperparameters::parse(&text).unwrap_err().to_string();
            let says = format!("`{name}` has a meaning with `train` = `lora` only");
            assert!(error.contains(&says), "{error}");
        }
    }
}

#[test]
fn what_is_empty_is_called_so() {
    for (name, default) in DEFAULTS {
        for empty in [r#""""#, r#"" ""#, "null", r#""null""#] {
            let text = format!(r#"{{"{name}": {empty}}}"#);
            let parsed = Hyperparameters::parse(&text);
            if default.is_empty() {
                assert!(parsed.is_ok(), "{text}");
                continue;
            }
            let error = parsed.unwrap_err().to_string();
            let says = format!("hyperparameter `{name}` is empty, it has to be ");
            assert!(error.starts_with(&says), "{error}");
        }
    }
}

#[test]
fn what_was_given_is_known() {
    let settings =
        Hyperparameters::parse(r#"{"lora-r": "8", "sagemaker_region": "x", "lr": "1"}"#).unwrap();
    assert_eq!(settings.given, BTreeSet::from(["lora-r", "lr"]));
}

#[test]
fn the_precision_and_the_smoothing_that_are_taken() {
    for (text, precision, smoothing) in [
        ("{}", None, 0.0),
        (r#"{"precision": ""}"#, None, 0.0),
        (r#"{"precision": "f32"}"#, Some(NumberType::F32), 0.0),
        (
            r#"{"precision": "bf16", "label-smoothing": "0.99"}"#,
            Some(NumberType::Bf16),
            0.99,
        ),
        (r#"{"label-smoothing": "0.9999999"}"#, None, 0.9999999),
    ] {
        let settings = Hyperparameters::parse(text).unwrap();
        assert_eq!(settings.precision, precision, "{text}");
        assert_eq!(settings.label_smoothing, smoothing, "{text}");
    }
}

#[test]
fn an_adapter_lies_in_a_channel_or_has_a_whole_path() {
    for path in ["start", "start/of/dresses", "/opt/adapters/../dresses"] {
        let text = format!(r#"{{"initial-adapter": "{path}"}}"#);
        let settings = Hyperparameters::parse(&text).unwrap();
        assert_eq!(settings.initial_adapter, Some(PathBuf::from(path)));
    }
}
