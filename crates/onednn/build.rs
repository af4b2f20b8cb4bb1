//! Compiles the shim over oneDNN and links both, where the feature `link` asks
//! for it.

#[cfg(not(feature = "link"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}

#[cfg(feature = "link")]
fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/shim.cpp");
    println!("cargo:rerun-if-env-changed=DNNLROOT");
    let mut shim = cc::Build::new();
    shim.cpp(true).std("c++17").file("src/shim.cpp");
    // Where oneDNN's own scripts say that it is; else the compiler finds it.
    if let Ok(root) = std::env::var("DNNLROOT") {
        shim.include(format!("{root}/include"));
        println!("cargo:rustc-link-search=native={root}/lib");
    }
    shim.try_compile("onednn_shim").map_err(|error| {
        format!(
            "the feature `onednn` needs a C++ compiler and oneDNN's headers \
             (Debian: libdnnl-dev; elsewhere set DNNLROOT): {error}"
        )
    })?;
    println!("cargo:rustc-link-lib=dylib=dnnl");
    Ok(())
}
