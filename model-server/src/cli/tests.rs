//! The flags, and what they reach.

use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_says_what_goes_with_the_image_cache() {
    let mut command = Cli::command();
    let serve = command.find_subcommand_mut("serve").unwrap();
    let help = serve.render_long_help().to_string();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains("0 keeps none, and then every request encodes its photograph anew"),
        "{help}"
    );
}

#[test]
fn a_queue_too_small_for_one_request_is_refused() {
    let cli = Cli::parse_from(["model-server", "serve", "--max-waiting-questions", "63"]);
    let Command::Serve(arguments) = cli.command else {
        panic!("serve was asked for");
    };
    let error = arguments.options().unwrap_err().to_string();
    assert!(error.contains("--max-waiting-questions is 63"), "{error}");
}

#[test]
fn the_flags_of_the_scheduling_reach_it() {
    let scheduling = |flags: &[&str]| {
        let arguments = ["model-server", "serve"].iter().chain(flags);
        let Command::Serve(arguments) = Cli::parse_from(arguments).command else {
            panic!("serve was asked for");
        };
        arguments.options().unwrap().scheduling
    };
    assert_eq!(scheduling(&[]), Scheduling::default());
    let flags = [
        "--image-cache-mib",
        "0",
        "--max-batch-tokens",
        "512",
        "--max-wait-ms",
        "7",
    ];
    let expected = Scheduling {
        max_batch_tokens: 512,
        max_wait: Duration::from_millis(7),
        image_cache_bytes: 0,
    };
    assert_eq!(scheduling(&flags), expected);
    for wrong in [
        ["--max-batch-tokens", "0"],
        ["--max-wait-ms", "60001"],
        ["--image-cache-mib", "-1"],
    ] {
        let arguments = ["model-server", "serve"].into_iter().chain(wrong);
        assert!(Cli::try_parse_from(arguments).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_folder_of_adapters_has_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let adapters = |path: &str| {
        let arguments = [
            "model-server",
            "serve",
            "--adapters",
            path,
            "--adapters-mib",
            "3",
        ];
        let Command::Serve(arguments) = Cli::parse_from(arguments).command else {
            panic!("serve was asked for");
        };
        arguments.options().map(|options| options.adapters)
    };
    let expected = AdapterOptions {
        folder: folder.path().to_owned(),
        max_bytes: 3 << 20,
    };
    let path = folder.path().to_str().unwrap();
    assert_eq!(adapters(path).unwrap(), Some(expected));
    let error = adapters(&format!("{path}/missing")).unwrap_err();
    assert!(
        error.to_string().contains("missing, which is no folder"),
        "{error}"
    );
}

#[test]
fn a_wrong_parameter_is_an_error_of_the_command_line() {
    let arguments = ["model-server", "ask", "--image", "a.jpg", "--parameters"];
    for (parameters, says) in [
        (r#"{"beams": 2}"#, "unknown parameter `beams`"),
        (r#"{"num_beams": 2"#, "no JSON"),
        (
            r#"{"num_beams": 2, "details": true, "num_beams": 3}"#,
            "has the key `num_beams` twice",
        ),
    ] {
        let line = arguments.into_iter().chain([parameters, "What?"]);
        let error = Cli::try_parse_from(line).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
