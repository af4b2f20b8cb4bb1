//! Scaled dot-product attention, as all parts of the model have it.

use candle_core::{D, DType, Result, Tensor};
use kernels::{Attention, AttentionGradient, Avx512, Bias, Strided};

use crate::tape::Gradients;
use crate::{cpu, ops, tape};

/// `softmax(scale · q kᵀ + biases) v` for queries `(batch, heads, queries,
/// head_dim)` and keys and values `(batch, heads, keys, head_dim)`, to
/// `(batch, queries, heads · head_dim)`. Biases are f32 and broadcast to
/// `(batch, heads, queries, keys)`; their last dimension is `keys`.
pub(crate) fn attention(
    kernels: Option<Avx512>,
    [q, k, v]: [&Tensor; 3],
    scale: f64,
    biases: &[&Tensor],
) -> Result<Tensor> {
    match kernels {
        Some(proof) if fits_kernels(&[q, k, v]) && fits_kernels(biases) => {
            by_kernels(proof, [q, k, v], scale, biases)
        }
        _ => composed([q, k, v], scale, biases),
    }
}

fn fits_kernels(tensors: &[&Tensor]) -> bool {
    tensors
        .iter()
        .all(|tensor| tensor.dtype() == DType::F32 && !tensor.track_op())
}

fn composed([q, k, v]: [&Tensor; 3], scale: f64, biases: &[&Tensor]) -> Result<Tensor> {
    let (batch, _, queries, _) = q.dims4()?;
    let q = if scale == 1.0 {
        q.clone()
    } else {
        (q * scale)?
    };
    let keys = k.transpose(D::Minus2, D::Minus1)?;
    // The softmax is taken in f32 whatever the number type, as T5's is in the
    // reference: its scores are not scaled and grow large.
    let mut scores = q
        .contiguous()?
        .matmul(&keys.contiguous()?)?
        .to_dtype(DType::F32)?;
    for bias in biases {
        scores = scores.broadcast_add(bias)?;
    }
    let weights = ops::softmax(&scores)?.to_dtype(v.dtype())?;
    let context = weights.matmul(&v.contiguous()?)?;
    context.transpose(1, 2)?.reshape((batch, queries, ()))
}

fn by_kernels(
    proof: Avx512,
    [q, k, v]: [&Tensor; 3],
    scale: f64,
    biases: &[&Tensor],
) -> Result<Tensor> {
    let (batch, heads, queries, head_dim) = q.dims4()?;
    let keys = k.dim(2)?;
    for (name, tensor) in [("keys", k), ("values", v)] {
        if tensor.dims() != [batch, heads, keys, head_dim] {
            candle_core::bail!("{name} are {:?} for queries {:?}", tensor.dims(), q.dims());
        }
    }
    let shape = Attention {
        batch,
        heads,
        queries,
        keys,
        head_dim,
        scale: scale as f32,
    };
    let operands: Vec<&Tensor> = [q, k, v]
        .into_iter()
        .chain(biases.iter().copied())
        .collect();
    let [q, k, v] = [dense_rows(q)?, dense_rows(k)?, dense_rows(v)?];
    let biases = biases
        .iter()
        .map(|bias| match bias.dims4()? {
            (_, _, _, last) if last == keys => dense_rows(bias),
            _ => candle_core::bail!("a bias is {:?} for {keys} keys", bias.dims()),
        })
        .collect::<Result<Vec<_>>>()?;
    let ys = cpu::read(&q, |q_data| {
        cpu::read(&k, |k_data| {
            cpu::read(&v, |v_data| {
                with_biases(&biases, &mut Vec::new(), |biases| {
                    let [q, k, v] = [(&q, q_data), (&k, k_data), (&v, v_data)]
                        .map(|(tensor, data)| strided(tensor, data));
                    shape.compute(proof, q, k, v, biases)
                })
            })
        })
    })????;
    let ys = Tensor::from_vec(ys, (batch, queries, heads * head_dim), q.device())?;
    Ok(tape::record(&operands, ys, || {
        let (q, k, v, biases) = (q.clone(), k.clone(), v.clone(), biases.clone());
        move |dy: Vec<f32>, gradients: &mut Gradients| {
            backward(proof, shape, [&q, &k, &v], &biases, &dy, gradients)
        }
    }))
}

fn backward(
    proof: Avx512,
    shape: Attention,
    [q, k, v]: [&Tensor; 3],
    biases: &[Tensor],
    dy: &[f32],
    gradients: &mut Gradients,
) -> Result<()> {
    let [mut dq, mut dk, mut dv] = [q, k, v].map(|tensor| vec![0f32; tensor.elem_count()]);
    let mut of_biases: Vec<_> = biases.iter().map(|bias| gradients.detach(bias)).collect();
    cpu::read(q, |q_data| {
        cpu::read(k, |k_data| {
            cpu::read(v, |v_data| {
                with_biases(biases, &mut Vec::new(), |biases| {
                    let [q, k, v] = [(q, q_data), (k, k_data), (v, v_data)]
                        .map(|(tensor, data)| strided(tensor, data));
                    let gradient = AttentionGradient {
                        q: &mut dq,
                        k: &mut dk,
                        v: &mut dv,
                        biases: of_biases.iter_mut().map(Option::as_deref_mut).collect(),
                    };
                    shape.backward(proof, q, k, v, biases, dy, gradient);
                })
            })
        })
    })????;
    for (bias, gradient) in biases.iter().zip(of_biases) {
        gradients.attach(bias, gradient);
    }
    for (operand, gradient) in [(q, dq), (k, dk), (v, dv)] {
        gradients.add_heads(operand, gradient)?;
    }
    Ok(())
}

/// Calls `with` with all biases read.
fn with_biases<T>(
    tensors: &[Tensor],
    read: &mut Vec<Bias<'_>>,
    with: impl FnOnce(&[Bias]) -> T,
) -> Result<T> {
    match tensors {
        [] => Ok(with(read)),
        [first, rest @ ..] => cpu::read(first, |data| {
            let dims = first.dims();
            let stride = |dim: usize| {
                if dims[dim] == 1 {
                    0
                } else {
                    first.stride()[dim]
                }
            };
            let mut read: Vec<Bias> = read.clone();
            read.push(Bias {
                data,
                batch: stride(0),
                head: stride(1),
                query: stride(2),
            });
            with_biases(rest, &mut read, with)
        })?,
    }
}

/// The tensor, its last dimension one number after the other.
fn dense_rows(tensor: &Tensor) -> Result<Tensor> {
    match tensor.stride().last() {
        Some(1) => Ok(tensor.clone()),
        _ => tensor.contiguous(),
    }
}

fn strided<'a>(tensor: &Tensor, data: &'a [f32]) -> Strided<'a> {
    let stride = tensor.stride();
    Strided {
        data,
        batch: stride[0],
        head: stride[1],
        token: stride[2],
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn kernels_give_what_the_composed_form_gives() {
        let Some(proof) = Avx512::detect() else {
            eprintln!("skipped: no AVX-512");
            return;
        };
        let random = |dims: [usize; 4]| Tensor::randn(0f32, 1.0, &dims, &Device::Cpu).unwrap();
        for (queries, keys) in [(1, 5), (3, 40), (20, 20), (257, 257)] {
            // Heads interleaved, as a linear layer gives them.
            let heads = |tokens| random([2, tokens, 3, 16]).transpose(1, 2).unwrap();
            let (q, k, v) = (heads(queries), heads(keys), random([2, 3, keys, 16]));
            let biases = [random([1, 3, queries, keys]), random([2, 1, 1, keys])];
            for biases in [vec![], biases.iter().collect()] {
                let fused = by_kernels(proof, [&q, &k, &v], 0.3, &biases).unwrap();
                let composed = composed([&q, &k, &v], 0.3, &biases).unwrap();
                let error = (fused - composed).unwrap().abs().unwrap();
                let error: f32 = error
                    .flatten_all()
                    .unwrap()
                    .max(0)
                    .unwrap()
                    .to_scalar()
                    .unwrap();
                assert!(error < 2e-6, "{queries}×{keys}: {error}");
            }
        }
    }
}
