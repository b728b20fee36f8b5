//! Has the module for browsers initialized once, by its host, and not again before each call.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo:rustc-cdylib-link-arg=--export=__wasm_call_ctors");
    }
}
