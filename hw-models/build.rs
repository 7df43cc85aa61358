//! Rebuilds the crate when a built-in platform changes: `include_dir` alone does not notice.

fn main() {
    println!("cargo::rerun-if-changed=../configs/hardware");
}
