//! What crosses crates: conformance, published figures, end-to-end runs, properties.
