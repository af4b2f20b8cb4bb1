//! Layers together against each of them alone: equal bits, whatever holds their
//! weights, with adapters and without, and while they are trained.

use candle_core::{DType, Device};

use super::*;
use crate::dropout::dropping;
use crate::engine::{Engine, Plan, Quantization, WeightType};
use crate::lora::{
    Adapter, LayerTable, LoadedAdapter, Lora, LoraConfig, NO_ADAPTERS, TargetModules,
};
use crate::ops::join_tokens;
use crate::parameters::{PackedParameter, Parameter, Registry};
use crate::tape;

const INPUTS: usize = 96;

const F32_PACKED: Plan = Plan {
    engine: Engine::Packed,
    weights: WeightType::Plain(DType::F32),
};

fn plans() -> Vec<Plan> {
    let plain = [DType::F32, DType::BF16].map(WeightType::Plain);
    let blocks = [Quantization::Q8_0, Quantization::Q4K].map(WeightType::Quantised);
    let weights = || plain.into_iter().chain(blocks);
    let engines = [Engine::Packed, Engine::Candle].into_iter();
    let mut plans: Vec<Plan> = engines
        .flat_map(|engine| weights().map(move |weights| Plan { engine, weights }))
        .collect();
    if cfg!(feature = "onednn") {
        plans.push(Plan {
            engine: Engine::OneDnn,
            weights: WeightType::Plain(DType::F32),
        });
    }
    plans
}

fn random(dims: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, dims, &Device::Cpu).unwrap()
}

/// A layer with a bias, or `None` where this processor cannot have it.
fn layer(plan: Plan, outputs: usize) -> Option<Linear> {
    let (mut weight, mut bias) = (random(&[outputs, INPUTS]), random(&[outputs]));
    if let WeightType::Plain(dtype) = plan.weights {
        weight = weight.to_dtype(dtype).unwrap();
        bias = bias.to_dtype(dtype).unwrap();
    }
    match Linear::from_tensors(weight, Some(bias), plan) {
        Ok(layer) => Some(layer),
        Err(error) => {
            eprintln!("skipped, {plan:?}: {error}");
            None
        }
    }
}

fn input(plan: Plan, rows: usize, tokens: usize) -> Tensor {
    let xs = random(&[rows, tokens, INPUTS]);
    xs.to_dtype(plan.activations()).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let numbers = tensor.to_dtype(DType::F32).unwrap();
    let numbers = numbers.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(numbers.iter().all(|number| number.is_finite()));
    numbers.into_iter().map(f32::to_bits).collect()
}

/// All ways in which layers are computed together, against each alone.
fn assert_as_alone(plan: Plan, layers: [&Linear; 3], xs: &Tensor, adapters: &RowAdapters) {
    let alone = layers.map(|layer| layer.for_rows(adapters).forward(xs).unwrap());
    let together = forward_each(layers, xs, adapters).unwrap();
    for (together, alone) in together.iter().zip(&alone) {
        assert_eq!(together.dims(), alone.dims());
        assert_eq!(together.dtype(), alone.dtype());
        assert_eq!(bits(together), bits(alone), "{plan:?}, {:?}", xs.dims());
    }
    let [gate, up, _] = layers;
    for activation in [Activation::GeluNew, Activation::Silu] {
        let gated = forward_gated([gate, up], xs, activation, adapters).unwrap();
        let gate = gate.for_rows(adapters);
        let alone = gate.forward_gating(xs, activation, &alone[1]).unwrap();
        assert_eq!(bits(&gated), bits(&alone), "{plan:?}, gated");
    }
}

#[test]
fn layers_together_are_those_alone_in_every_form() {
    for plan in plans() {
        let [Some(a), Some(b), Some(c)] = [40, 40, 7].map(|outputs| layer(plan, outputs)) else {
            continue;
        };
        for (rows, tokens) in [(1, 1), (8, 1), (3, 21), (5, 40)] {
            let xs = input(plan, rows, tokens);
            assert_as_alone(plan, [&a, &b, &c], &xs, &NO_ADAPTERS);
        }
        let turned = input(plan, 4, 6).transpose(0, 1).unwrap();
        assert!(!turned.is_contiguous());
        assert_as_alone(plan, [&a, &b, &c], &turned, &NO_ADAPTERS);
    }
}

#[test]
fn rows_keep_their_adapters_in_layers_together() {
    for plan in plans() {
        let outputs = [40, 40, 7];
        let [Some(a), Some(b), Some(c)] = outputs.map(|outputs| layer(plan, outputs)) else {
            continue;
        };
        let table = Arc::new(LayerTable::default());
        let name = |index: usize| format!("language_model.{index}");
        let numbers = [0, 1, 2].map(|index| table.add(name(index), outputs[index], INPUTS));
        let plain = [a.clone(), b.clone(), c.clone()];
        let layers = [
            a.numbered(numbers[0]),
            b.numbered(numbers[1]),
            c.numbered(numbers[2]),
        ];
        // The second layer is not adapted.
        let adapted = [0, 2].map(|index| {
            let matrices = (random(&[4, INPUTS]), random(&[outputs[index], 4]));
            (name(index), matrices)
        });
        let adapter = Adapter {
            config: LoraConfig {
                r: 4,
                alpha: 8.0,
                dropout: 0.0,
                target_modules: TargetModules::Names(["0", "2"].map(str::to_owned).into()),
                use_rslora: false,
            },
            layers: adapted.into(),
        };
        let loaded =
            LoadedAdapter::new("one", &adapter, &table, &Device::Cpu, plan.kernels()).unwrap();
        let loaded = Some(Arc::new(loaded));
        let adapters = RowAdapters::new(vec![None, loaded.clone(), loaded, None]);
        let xs = input(plan, 4, 9);
        assert_as_alone(plan, layers.each_ref(), &xs, &adapters);
        let with = forward_each(layers.each_ref(), &xs, &adapters).unwrap();
        let without = forward_each(plain.each_ref(), &xs, &NO_ADAPTERS).unwrap();
        let changed = [0, 1, 2].map(|index| bits(&with[index]) != bits(&without[index]));
        assert_eq!(changed, [true, false, true], "{plan:?}");
    }
}

fn parameter(registry: &Registry, name: &str, dims: &[usize]) -> Parameter {
    registry.parameter(name, &random(dims)).unwrap()
}

/// Calls `forward` while it is recorded, and gives what it gave and the gradients of the
/// leaves.
fn recorded(
    leaves: &[&Tensor],
    forward: impl Fn() -> Result<Tensor>,
) -> (Vec<u32>, Vec<Option<Vec<f32>>>) {
    let (result, tape) = dropping(7, || tape::recording(leaves.iter().copied(), forward)).unwrap();
    let gradient = (0..result.elem_count()).map(|at| (at as f32).sin());
    let mut gradients = tape.backward(&result, gradient.collect()).unwrap();
    let of_leaves = leaves.iter().map(|leaf| gradients.take(leaf));
    (bits(&result), of_leaves.collect())
}

#[test]
fn what_is_trained_is_so_together_as_alone() {
    let [Some(a), Some(b)] = [32, 32].map(|outputs| layer(F32_PACKED, outputs)) else {
        return;
    };
    let registry = Registry::new(false);
    let of_weight = parameter(&registry, "weight", &[32, INPUTS]);
    let of_a = parameter(&registry, "a", &[4, INPUTS]);
    let of_b = parameter(&registry, "b", &[32, 4]);
    let lora = Lora {
        a: PackedParameter::new(&of_a).unwrap(),
        b: PackedParameter::new(&of_b).unwrap(),
        scale: 2.0,
        dropout: 0.3,
    };
    let adapted = layer(F32_PACKED, 32).unwrap().with_lora(Arc::new(lora));
    let trained = Linear::trained(&of_weight, None, (32, INPUTS), F32_PACKED).unwrap();
    let xs = input(F32_PACKED, 2, 9);
    let parameters = [of_weight.leaf(), of_a.leaf(), of_b.leaf()];
    let with_input = [&xs, parameters[0], parameters[1], parameters[2]];
    // An input that is trained through, and the first of a model, which is not.
    for leaves in [with_input.as_slice(), parameters.as_slice()] {
        for layers in [[&a, &adapted, &trained], [&trained, &adapted, &a]] {
            let joined = |ys: &[Tensor]| join_tokens(&join_tokens(&ys[0], &ys[1])?, &ys[2]);
            let together = recorded(leaves, || joined(&forward_all(&layers, &xs, &NO_ADAPTERS)?));
            let alone = recorded(leaves, || {
                let each = layers.map(|layer| layer.forward(&xs));
                let each: Result<Vec<Tensor>> = each.into_iter().collect();
                joined(&each?)
            });
            assert!(together.1.iter().all(Option::is_some));
            assert!(together == alone);
        }
    }
    // Nothing but the input: the layers are frozen, and what is below them is not.
    let sum = |ys: &[Tensor]| join_tokens(&ys[0], &ys[1]);
    let together = recorded(&[&xs], || sum(&forward_all(&[&a, &b], &xs, &NO_ADAPTERS)?));
    let alone = recorded(&[&xs], || sum(&[a.forward(&xs)?, b.forward(&xs)?]));
    assert!(together.1[0].is_some() && together == alone);
}

#[test]
fn what_is_trained_beside_a_frozen_gate_has_its_gradient() {
    let [Some(gate), Some(up)] = [32, 32].map(|outputs| layer(F32_PACKED, outputs)) else {
        return;
    };
    let registry = Registry::new(false);
    let (of_a, of_b) = (
        parameter(&registry, "a", &[4, INPUTS]),
        parameter(&registry, "b", &[32, 4]),
    );
    let lora = Lora {
        a: PackedParameter::new(&of_a).unwrap(),
        b: PackedParameter::new(&of_b).unwrap(),
        scale: 2.0,
        dropout: 0.0,
    };
    let up = up.with_lora(Arc::new(lora));
    let xs = input(F32_PACKED, 2, 9);
    let gated = || forward_gated([&gate, &up], &xs, Activation::GeluNew, &NO_ADAPTERS);
    let (ys, of_first) = recorded(&[of_a.leaf(), of_b.leaf()], gated);
    let (same, of_later) = recorded(&[of_a.leaf(), of_b.leaf(), &xs], gated);
    assert!(of_first.iter().all(Option::is_some));
    assert!(ys == same && of_first == of_later[..2]);
}
