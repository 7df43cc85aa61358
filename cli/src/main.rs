//! The pisim command line.
fn main() {}
