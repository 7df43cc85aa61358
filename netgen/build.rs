//! A network file that is added to `configs/networks` must be compiled in, too.

fn main() {
    println!("cargo:rerun-if-changed=../configs/networks");
}
