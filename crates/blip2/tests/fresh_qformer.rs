//! A Q-Former that begins anew, on the trained checkpoint `blip2-mini`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;

use blip2::LoadOptions;
use blip2::training::{Learning, Trainee};
use candle_core::{Device, Tensor};
use common::{made_adapter, mini};

fn trainee(learning: &Learning) -> Trainee {
    Trainee::load(&mini(), &LoadOptions::default(), learning).unwrap()
}

fn weights(trainee: &Trainee) -> BTreeMap<String, Vec<f32>> {
    let parameters = trainee.parameters().iter();
    parameters
        .map(|one| (one.name().to_owned(), one.values().unwrap()))
        .collect()
}

/// The least distance between what two queries make of a picture, as a share of
/// their mean length.
fn least_distance(trainee: &Trainee) -> f32 {
    let size = trainee.blip2().config().vision_config.image_size;
    let pixels: Vec<f32> = (0..3 * size * size)
        .map(|at| ((at * 7919) % 101) as f32 / 50.0 - 1.0)
        .collect();
    let picture = Tensor::from_vec(pixels, (3, size, size), &Device::Cpu).unwrap();
    let features = trainee.blip2().encode_images(&[picture]).unwrap();
    let queries: Vec<Vec<f32>> = features.squeeze(0).unwrap().to_vec2().unwrap();
    let length = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let mean = queries.iter().map(|row| length(row)).sum::<f32>() / queries.len() as f32;
    let mut least = f32::INFINITY;
    for (at, one) in queries.iter().enumerate() {
        for other in &queries[..at] {
            let difference: Vec<f32> = one.iter().zip(other).map(|(a, b)| a - b).collect();
            let distance = length(&difference) / mean;
            // `f32::min` would pass over one that is no number.
            assert!(distance.is_finite(), "{distance}");
            least = least.min(distance);
        }
    }
    least
}

#[test]
fn queries_that_asked_the_same_ask_differently() {
    let trainee = trainee(&Learning::All);
    assert!(least_distance(&trainee) < 1e-3);
    trainee.begin_qformer_anew(7).unwrap();
    let distance = least_distance(&trainee);
    assert!(distance > 0.1, "{distance}");
}

#[test]
fn only_the_qformer_and_its_queries_change_and_by_the_seed_alone() {
    let (one, other) = (trainee(&Learning::All), trainee(&Learning::All));
    let before = weights(&one);
    one.begin_qformer_anew(7).unwrap();
    let after = weights(&one);
    for (name, values) in &after {
        let drawn = name == "query_tokens" || name.starts_with("qformer.");
        assert_eq!(values != &before[name], drawn, "{name}");
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
    }
    other.begin_qformer_anew(8).unwrap();
    assert_ne!(weights(&other), after);
    other.begin_qformer_anew(7).unwrap();
    assert_eq!(weights(&other), after);
}

#[test]
fn weights_have_the_variance_that_keeps_a_layer_s_scale() {
    let trainee = trainee(&Learning::All);
    trainee.begin_qformer_anew(7).unwrap();
    let variance = |name: &str| {
        let values = weights(&trainee).remove(name).unwrap();
        values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32
    };
    let layer = "qformer.encoder.layer.1";
    for (name, expected) in [
        ("query_tokens".to_owned(), 1.0),
        (format!("{layer}.output_query.dense.weight"), 1.0 / 320.0),
        (
            format!("{layer}.crossattention.attention.key.weight"),
            4.0 / 144.0,
        ),
    ] {
        let ratio = variance(&name) / expected;
        assert!((0.9..1.1).contains(&ratio), "{name}: {ratio}");
    }
    assert_eq!(variance("qformer.layernorm.weight"), 1.0);
    assert_eq!(variance("qformer.layernorm.bias"), 0.0);
}

#[test]
fn an_adapter_keeps_the_qformer_it_was_made_for() {
    let adapter = made_adapter(&mini(), &["q"], 1);
    let error = trainee(&Learning::Adapter(adapter))
        .begin_qformer_anew(7)
        .unwrap_err();
    assert!(
        error.to_string().contains("only where its weights learn"),
        "{error}"
    );
}
