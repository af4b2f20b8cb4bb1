// One linear layer over oneDNN's C++ API, as functions in C. Exceptions end
// here: they become the text of onednn_linear_error().

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <dlfcn.h>
#endif

namespace {

using dnnl::memory;
using data_type = memory::data_type;
using format_tag = memory::format_tag;

// The order of the weights is chosen for so many rows: a photograph's or a
// batch of prompts.
constexpr memory::dim typical_rows = 256;
// Primitives that a layer keeps. A server sees many numbers of rows; to make
// one anew takes some 30 µs while oneDNN's own cache has its code.
constexpr std::size_t kept_primitives = 16;

// Never destroyed: a thread may still compute while the process ends.
const dnnl::engine &cpu() {
    static const dnnl::engine &engine =
            *new dnnl::engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

// Has the next calls of this thread work on so many threads. The function is
// looked up in the process, so that it is the one of the OpenMP library that
// oneDNN uses, whichever that is.
void use_threads(int threads) {
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
    using setter = void (*)(int);
    static const setter set = reinterpret_cast<setter>(
            dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set) set(threads);
#else
    (void)threads;
#endif
}

// Memory for one call, kept for the next, so that pages are not asked for anew.
class Buffer {
public:
    void *at_least(std::size_t bytes) {
        if (bytes > size_) {
            const memory::dims size {static_cast<memory::dim>(bytes)};
            data_ = memory(memory::desc(size, data_type::u8, format_tag::a),
                    cpu());
            size_ = bytes;
        }
        return size_ > 0 ? data_.get_data_handle() : nullptr;
    }

private:
    std::size_t size_ = 0;
    memory data_;
};

dnnl::primitive_attr attributes(bool adds) {
    dnnl::primitive_attr attr;
    // The library's own scratchpad belongs to the thread that made the
    // primitive; another may run it.
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (adds) {
        dnnl::post_ops ops;
        ops.append_sum(1.0f);
        attr.set_post_ops(ops);
    }
    return attr;
}

dnnl::matmul::primitive_desc product(const memory::desc &x,
        const memory::desc &weights, const memory::desc &bias,
        const memory::desc &y, bool adds) {
    const dnnl::primitive_attr attr = attributes(adds);
#if DNNL_VERSION_MAJOR >= 3
    return {cpu(), x, weights, bias, y, attr};
#else
    return {{x, weights, bias, y}, attr, cpu()};
#endif
}

dnnl::reorder::primitive_desc conversion(
        const memory::desc &from, const memory::desc &to) {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return {cpu(), from, cpu(), to, attr};
}

// What is computed for a number of rows on a number of threads; the code and
// the scratchpad are made for both.
struct Case {
    memory::dim rows;
    int threads;
    bool adds;

    bool operator==(const Case &other) const {
        return rows == other.rows && threads == other.threads
                && adds == other.adds;
    }
};

struct Primitives {
    Case of;
    memory::desc x_f32, x, y;
    dnnl::reorder convert; // empty in f32
    memory::desc convert_scratchpad;
    dnnl::matmul multiply;
    memory::desc multiply_scratchpad;
};

} // namespace

// Used by one thread at a time, but not always the same.
struct onednn_linear {
    onednn_linear(std::size_t outputs, std::size_t inputs, bool is_bf16,
            const void *weights, const float *bias, int threads)
        : outputs_(static_cast<memory::dim>(outputs))
        , inputs_(static_cast<memory::dim>(inputs))
        , type_(is_bf16 ? data_type::bf16 : data_type::f32) {
        use_threads(threads);
        dnnl::stream stream(cpu());
        const memory::desc bias_desc(
                {1, outputs_}, data_type::f32, format_tag::ab);
        bias_ = memory(bias_desc, cpu());
        auto *own = static_cast<float *>(bias_.get_data_handle());
        for (std::size_t at = 0; at < outputs; at++)
            own[at] = bias ? bias[at] : 0.0f;

        const memory::dims shape {inputs_, outputs_};
        const auto typical = product(rows(typical_rows, inputs_, type_),
                memory::desc(shape, type_, format_tag::any), bias_desc,
                rows(typical_rows, outputs_, data_type::f32), false);
        weights_ = memory(typical.weights_desc(), cpu());
        memory given(memory::desc(shape, type_, format_tag::ba), cpu(),
                const_cast<void *>(weights));
        dnnl::reorder(given, weights_).execute(stream, given, weights_);
        stream.wait();
    }

    void run(std::size_t count, const float *x, float *y, bool adds,
            int threads) {
        thread_local Buffer scratchpad_bytes, x_bytes;
        thread_local dnnl::stream stream(cpu());
        use_threads(threads);
        const Primitives &primitives = primitives_for(
                {static_cast<memory::dim>(count), threads, adds});

        auto *numbers = const_cast<float *>(x);
        memory input(primitives.x_f32, cpu(), numbers);
        if (primitives.convert) {
            memory converted(primitives.x, cpu(),
                    x_bytes.at_least(primitives.x.get_size()));
            memory scratchpad = in(scratchpad_bytes,
                    primitives.convert_scratchpad);
            primitives.convert.execute(stream,
                    {{DNNL_ARG_FROM, input}, {DNNL_ARG_TO, converted},
                            {DNNL_ARG_SCRATCHPAD, scratchpad}});
            input = converted;
        }
        memory output(primitives.y, cpu(), y);
        memory scratchpad = in(scratchpad_bytes,
                primitives.multiply_scratchpad);
        primitives.multiply.execute(stream,
                {{DNNL_ARG_SRC, input}, {DNNL_ARG_WEIGHTS, weights_},
                        {DNNL_ARG_BIAS, bias_}, {DNNL_ARG_DST, output},
                        {DNNL_ARG_SCRATCHPAD, scratchpad}});
        stream.wait();
    }

private:
    static memory::desc rows(memory::dim count, memory::dim width,
            data_type type) {
        return memory::desc({count, width}, type, format_tag::ab);
    }

    static memory in(Buffer &buffer, const memory::desc &desc) {
        return memory(desc, cpu(), buffer.at_least(desc.get_size()));
    }

    // Those used last stand last; the first goes when there are too many.
    const Primitives &primitives_for(const Case &wanted) {
        for (std::size_t at = kept_.size(); at-- > 0;) {
            if (kept_[at].of == wanted) {
                if (at + 1 != kept_.size()) {
                    Primitives found = std::move(kept_[at]);
                    kept_.erase(kept_.begin()
                            + static_cast<std::ptrdiff_t>(at));
                    kept_.push_back(std::move(found));
                }
                return kept_.back();
            }
        }
        Primitives made {};
        made.of = wanted;
        made.x_f32 = rows(wanted.rows, inputs_, data_type::f32);
        made.x = rows(wanted.rows, inputs_, type_);
        made.y = rows(wanted.rows, outputs_, data_type::f32);
        if (type_ != data_type::f32) {
            const auto convert = conversion(made.x_f32, made.x);
            made.convert_scratchpad = convert.scratchpad_desc();
            made.convert = dnnl::reorder(convert);
        }
        const auto multiply = product(made.x, weights_.get_desc(),
                bias_.get_desc(), made.y, wanted.adds);
        made.multiply_scratchpad = multiply.scratchpad_desc();
        made.multiply = dnnl::matmul(multiply);
        if (kept_.size() == kept_primitives) kept_.erase(kept_.begin());
        kept_.push_back(std::move(made));
        return kept_.back();
    }

    memory::dim outputs_, inputs_;
    data_type type_;
    memory weights_, bias_;
    std::vector<Primitives> kept_;
};

namespace {

// Of the last call of this thread that failed; a plain array, since to keep an
// error must not fail itself.
thread_local char last_error[512] = "";

template <typename Work>
bool caught(const Work &work) noexcept {
    try {
        work();
        return true;
    } catch (const dnnl::error &error) {
        std::snprintf(last_error, sizeof last_error, "%s (status %d)",
                error.message, static_cast<int>(error.status));
    } catch (const std::exception &error) {
        std::snprintf(last_error, sizeof last_error, "%s", error.what());
    } catch (...) {
        std::snprintf(last_error, sizeof last_error, "unknown exception");
    }
    return false;
}

} // namespace

extern "C" {

// A layer over weights (outputs, inputs), f32 or bf16, and a bias of f32 or
// null. Copies both. Null on failure.
onednn_linear *onednn_linear_create(std::size_t outputs, std::size_t inputs,
        bool is_bf16, const void *weights, const float *bias,
        int threads) noexcept {
    onednn_linear *layer = nullptr;
    caught([&] {
        layer = new onednn_linear(
                outputs, inputs, is_bf16, weights, bias, threads);
    });
    return layer;
}

// y (rows, outputs) = x (rows, inputs) by the layer, or is added to y. Whether
// it succeeded.
bool onednn_linear_run(onednn_linear *layer, std::size_t rows, const float *x,
        float *y, bool adds, int threads) noexcept {
    return caught([&] { layer->run(rows, x, y, adds, threads); });
}

void onednn_linear_destroy(onednn_linear *layer) noexcept {
    delete layer;
}

// Why the last call of this thread that failed did; valid until the next.
const char *onednn_linear_error() noexcept {
    return last_error;
}
}
