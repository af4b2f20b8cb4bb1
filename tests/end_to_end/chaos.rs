//! A small run of the chaos: `make chaos` is the large one.

use std::time::Duration;

use tests::chaos::{Options, run};

#[tokio::test]
async fn every_product_has_one_outcome_whatever_fails() {
    let options = Options {
        products: 60,
        seed: 7,
        workers: 3,
        timeout: Duration::from_secs(5),
    };
    let report = run(&options, |what| println!("{what}")).await.unwrap();
    println!("{}", report.tables);
    assert!(report.is_right, "logs and bucket: {:?}", report.kept);
    // Faults delay work; they must not end it.
    assert!(report.described > 40, "{}", report.described);
}
