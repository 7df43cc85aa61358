//! One node: its name in messages, its inputs and its attributes.

use super::Result;
use crate::onnx::OnnxError;
use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};

/// A node of the graph.
pub(in crate::onnx) struct Node<'a> {
    proto: &'a NodeProto,
    /// The node's name, or that of its first output.
    pub name: &'a str,
}

impl<'a> Node<'a> {
    pub fn new(proto: &'a NodeProto) -> Self {
        let output = proto.output.first().map_or("", String::as_str);
        let name = if proto.name.is_empty() { output } else { &proto.name };
        Self { proto, name }
    }

    pub fn operator(&self) -> &'a str {
        &self.proto.op_type
    }

    pub fn domain(&self) -> &'a str {
        &self.proto.domain
    }

    /// An error at this node.
    pub fn error(&self, problem: impl Into<String>) -> OnnxError {
        let short = |text: &str| text.chars().take(200).collect();
        OnnxError::Node { node: short(self.name), operator: short(self.operator()), problem: problem.into() }
    }

    /// All inputs that are given; one that is left out in the middle has an empty name.
    pub fn inputs(&self) -> &'a [String] {
        &self.proto.input
    }

    /// The name of an input, unless it is left out.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// All outputs.
    pub fn outputs(&self) -> &'a [String] {
        &self.proto.output
    }

    /// The name of the first output, which every node has ([`super::Graph::new`] checks it).
    pub fn output(&self) -> &'a str {
        self.proto.output.first().map_or("", String::as_str)
    }

    /// Refuses attributes that nobody looks at, since they might change what the node computes.
    pub fn check_attributes(&self, known: &[&str]) -> Result<()> {
        let unknown = self.proto.attribute.iter().find(|attribute| !known.contains(&attribute.name.as_str()));
        let Some(unknown) = unknown else { return Ok(()) };
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(self.error(format!("the attribute `{}` is not supported; supported are {known}", unknown.name)))
    }

    fn attribute<T>(
        &self,
        name: &str,
        kind: &str,
        value: impl Fn(&'a AttributeProto) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(attribute) = self.proto.attribute.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        value(attribute).map(Some).ok_or_else(|| self.error(format!("the attribute `{name}` is not {kind}")))
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Result<Option<i64>> {
        // A zero may be left out of the file; the attribute's type tells then.
        self.attribute(name, "a whole number", |attribute| {
            attribute.i.or((attribute.r#type == crate::onnx::proto::attribute_type::INT).then_some(0))
        })
    }

    /// A number.
    pub fn float(&self, name: &str) -> Result<Option<f32>> {
        self.attribute(name, "a number", |attribute| {
            attribute.f.or((attribute.r#type == crate::onnx::proto::attribute_type::FLOAT).then_some(0.0))
        })
    }

    /// A list of whole numbers.
    pub fn ints(&self, name: &str) -> Result<Option<&'a [i64]>> {
        self.attribute(name, "a list of whole numbers", |attribute| {
            let is_list = !attribute.ints.is_empty() || attribute.r#type == crate::onnx::proto::attribute_type::INTS;
            is_list.then_some(attribute.ints.as_slice())
        })
    }

    /// A list of numbers.
    pub fn floats(&self, name: &str) -> Result<Option<&'a [f32]>> {
        self.attribute(name, "a list of numbers", |attribute| Some(attribute.floats.as_slice()))
    }

    /// A string.
    pub fn string(&self, name: &str) -> Result<Option<&'a str>> {
        self.attribute(name, "a string", |attribute| match &attribute.s {
            Some(bytes) => std::str::from_utf8(bytes).ok(),
            None => Some(""),
        })
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Result<Option<&'a TensorProto>> {
        self.attribute(name, "a tensor", |attribute| attribute.t.as_ref())
    }

    /// Refuses a switch that is not at the only supported position.
    pub fn check_int(&self, name: &str, supported: i64) -> Result<()> {
        match self.int(name)? {
            Some(value) if value != supported => {
                Err(self.error(format!("{name} = {value} is not supported; supported is {supported}")))
            }
            _ => Ok(()),
        }
    }

    /// The one number that a pair of equal numbers gives for rows and columns.
    pub fn square(&self, name: &str, values: &[i64]) -> Result<usize> {
        match *values {
            [rows, columns] if rows == columns => usize::try_from(rows)
                .map_err(|_| self.error(format!("{name} = {values:?} is not possible: expected positive numbers"))),
            _ => Err(self.error(format!(
                "{name} = {values:?} is not supported; supported are two equal numbers, for rows and columns"
            ))),
        }
    }
}
