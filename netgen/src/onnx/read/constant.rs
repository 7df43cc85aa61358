//! Constants: tensors of the file in any of ONNX's encodings, and the arithmetic on shapes that exporters leave in a graph.

use std::rc::Rc;

use super::draft::{Draft, Value};
use super::file::External;
use super::{Node, Result};
use crate::onnx::OnnxError;
use crate::onnx::proto::{EXTERNAL, TensorProto, data_type};

/// A tensor that is known.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) struct Constant {
    /// Its dimensions; none for a single number.
    pub dims: Vec<usize>,
    /// Its elements, the last dimension running fastest.
    pub data: Data,
}

/// Elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) enum Data {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

impl Constant {
    /// A list of whole numbers.
    pub fn ints(values: Vec<i64>) -> Self {
        Self { dims: vec![values.len()], data: Data::Ints(values) }
    }

    /// A tensor of the file. Its data must have exactly the size that its dimensions say; only then is memory asked for.
    pub fn decode(tensor: &TensorProto, external: &External) -> Result<Self> {
        let name: String = tensor.name.chars().take(200).collect();
        let wrong = |problem: String| OnnxError::tensor(&name, problem);
        let mut dims = Vec::with_capacity(tensor.dims.len());
        for &dim in &tensor.dims {
            dims.push(usize::try_from(dim).map_err(|_| wrong(format!("the dimension {dim} is negative")))?);
        }
        let count = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        let too_large = || wrong(format!("dimensions {dims:?} are too large"));
        let count = count.ok_or_else(too_large)?;
        let code = tensor.data_type;
        let width: usize = match code {
            data_type::FLOAT | data_type::INT32 => 4,
            data_type::DOUBLE | data_type::INT64 => 8,
            data_type::FLOAT16 | data_type::BFLOAT16 => 2,
            data_type::UINT8 | data_type::BOOL => 1,
            _ => {
                return Err(wrong(format!(
                    "{} elements are not supported; supported are float, double, float16, bfloat16, int32, int64, uint8 and bool",
                    data_type::name(code)
                )));
            }
        };
        let bytes = count.checked_mul(width).ok_or_else(too_large)?;
        let raw = match &tensor.raw_data {
            _ if tensor.data_location == EXTERNAL => {
                Some(external.bytes(&name, &tensor.external_data, bytes as u64)?.into())
            }
            raw => raw.as_deref().map(std::borrow::Cow::Borrowed),
        };
        let data = match raw {
            Some(raw) if raw.len() == bytes => from_raw(code, &raw),
            Some(raw) => {
                let found = raw.len();
                return Err(wrong(format!("its dimensions {dims:?} need {bytes} bytes of data, found {found}")));
            }
            None => {
                let data = from_fields(tensor).ok_or_else(|| wrong("a number does not fit its type".into()))?;
                if data.len() != count {
                    let found = data.len();
                    return Err(wrong(format!("its dimensions {dims:?} need {count} numbers, found {found}")));
                }
                data
            }
        };
        Ok(Self { dims, data })
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) => values.len(),
        }
    }
}

/// Little-endian elements of a known width.
fn from_raw(code: i32, raw: &[u8]) -> Data {
    fn all<const N: usize, T>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
    }
    match code {
        data_type::FLOAT => Data::Floats(all(raw, f32::from_le_bytes)),
        data_type::DOUBLE => Data::Floats(all(raw, |bytes| f64::from_le_bytes(bytes) as f32)),
        data_type::FLOAT16 => Data::Floats(all(raw, |bytes| half::f16::from_le_bytes(bytes).to_f32())),
        data_type::BFLOAT16 => Data::Floats(all(raw, |bytes| half::bf16::from_le_bytes(bytes).to_f32())),
        data_type::INT32 => Data::Ints(all(raw, |bytes| i32::from_le_bytes(bytes).into())),
        data_type::INT64 => Data::Ints(all(raw, i64::from_le_bytes)),
        _ => Data::Ints(raw.iter().map(|&byte| byte.into()).collect()),
    }
}

/// Elements in the field of their type; 16-bit floats are bit patterns among the 32-bit integers.
fn from_fields(tensor: &TensorProto) -> Option<Data> {
    let half = |number: fn(u16) -> f32| {
        let bits = tensor.int32_data.iter().map(|&bits| u16::try_from(bits));
        bits.map(|bits| bits.map(number)).collect::<std::result::Result<Vec<f32>, _>>().ok().map(Data::Floats)
    };
    match tensor.data_type {
        data_type::FLOAT => Some(Data::Floats(tensor.float_data.clone())),
        data_type::DOUBLE => Some(Data::Floats(tensor.double_data.iter().map(|&value| value as f32).collect())),
        data_type::FLOAT16 => half(|bits| half::f16::from_bits(bits).to_f32()),
        data_type::BFLOAT16 => half(|bits| half::bf16::from_bits(bits).to_f32()),
        data_type::INT64 => Some(Data::Ints(tensor.int64_data.clone())),
        _ => Some(Data::Ints(tensor.int32_data.iter().map(|&value| value.into()).collect())),
    }
}

/// `Constant`.
pub(super) fn constant<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["value", "value_float", "value_floats", "value_int", "value_ints"])?;
    let constant = if let Some(tensor) = node.tensor("value")? {
        Constant::decode(tensor, draft.external())?
    } else if let Some(value) = node.float("value_float")? {
        Constant { dims: Vec::new(), data: Data::Floats(vec![value]) }
    } else if let Some(values) = node.floats("value_floats")? {
        Constant { dims: vec![values.len()], data: Data::Floats(values.to_vec()) }
    } else if let Some(value) = node.int("value_int")? {
        Constant { dims: Vec::new(), data: Data::Ints(vec![value]) }
    } else if let Some(values) = node.ints("value_ints")? {
        Constant::ints(values.to_vec())
    } else {
        return Err(node.error("it has no value"));
    };
    draft.set(node, Value::Constant(Rc::new(constant)));
    Ok(())
}

/// `Shape`: dimensions are known, with one image per batch.
pub(super) fn shape<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["start", "end"])?;
    let x = draft.activation(node, 0)?;
    let dims = draft.dims(&x);
    let rank = dims.len() as i64;
    let bound = |value: i64| if value < 0 { value.saturating_add(rank) } else { value }.clamp(0, rank) as usize;
    let start = bound(node.int("start")?.unwrap_or(0));
    let end = bound(node.int("end")?.unwrap_or(rank));
    let values = dims.get(start..end.max(start)).unwrap_or_default().to_vec();
    draft.set(node, Value::Constant(Rc::new(Constant::ints(values))));
    Ok(())
}

/// `Gather` from a list of known numbers.
pub(super) fn gather<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_int("axis", 0)?;
    let data = draft.known_ints(node, 0)?;
    let indices = draft.constant(node, 1)?;
    let Data::Ints(positions) = &indices.data else {
        return Err(node.error("its indices are not whole numbers"));
    };
    let length = data.len() as i64;
    let pick = |&index: &i64| {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        let value = usize::try_from(index).ok().and_then(|index| data.get(index)).copied();
        value.ok_or_else(|| node.error(format!("index {index} is outside of a list of {length}")))
    };
    let values = positions.iter().map(pick).collect::<Result<Vec<_>>>()?;
    let constant = Constant { dims: indices.dims.clone(), data: Data::Ints(values) };
    draft.set(node, Value::Constant(Rc::new(constant)));
    Ok(())
}

/// `Concat` of lists of known numbers.
pub(super) fn concat<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_int("axis", 0)?;
    let mut values = Vec::new();
    for index in 0..node.inputs().len() {
        values.extend_from_slice(&draft.known_ints(node, index)?);
        // Shapes have a handful of numbers; doubling them node by node must not fill the memory.
        if values.len() > 64 {
            return Err(node.error("a list of more than 64 numbers is not supported: it is no shape"));
        }
    }
    draft.set(node, Value::Constant(Rc::new(Constant::ints(values))));
    Ok(())
}

/// `Cast` of known numbers, or of activations to float, which they are.
pub(super) fn cast<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["to", "saturate"])?;
    let to = node.int("to")?.and_then(|code| i32::try_from(code).ok()).unwrap_or_default();
    let value = draft.value(node, 0)?;
    let is_float = matches!(to, data_type::FLOAT | data_type::DOUBLE);
    let fits = match &value {
        Value::Activation(_) => is_float,
        Value::Constant(constant) => match constant.data {
            Data::Floats(_) => is_float,
            Data::Ints(_) => matches!(to, data_type::INT32 | data_type::INT64),
        },
    };
    if !fits {
        let to = data_type::name(to);
        return Err(node.error(format!("a cast to {to} is not supported here; supported are casts that keep the kind")));
    }
    draft.alias(node, value);
    Ok(())
}
