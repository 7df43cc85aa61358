//! One row for every point and layer: where a layer's time, bytes and energy go.

use super::schema::{ColumnInfo, count, word};
use super::{Cell, Column, Frame, Kind, ResultsError};
use pisim_sim::LayerCost;
use pisim_sim::sweep::PointRow;

/// A column of the layers' table.
struct LayerColumn {
    name: &'static str,
    kind: Kind,
    description: &'static str,
    of: fn(&LayerCost) -> Cell<'_>,
}

const fn seconds(name: &'static str, description: &'static str, of: fn(&LayerCost) -> Cell<'_>) -> LayerColumn {
    LayerColumn { name, kind: Kind::Number, description, of }
}

const fn text(name: &'static str, description: &'static str, of: fn(&LayerCost) -> Cell<'_>) -> LayerColumn {
    LayerColumn { name, kind: Kind::Text, description, of }
}

const fn bytes(name: &'static str, description: &'static str, of: fn(&LayerCost) -> Cell<'_>) -> LayerColumn {
    LayerColumn { name, kind: Kind::Integer, description, of }
}

/// The columns after `point`. Seconds are sums of step durations: steps of different units overlap.
const COLUMNS: [LayerColumn; 16] = [
    text("layer", "The layer's name in the network.", |layer| word(&layer.id)),
    text("kind", "Its kind.", |layer| word(&layer.kind)),
    text("stage", "Its stage.", |layer| word(&layer.stage)),
    seconds("he_eval_s", "Homomorphic evaluation at the server.", |layer| Cell::Number(layer.he_eval_s)),
    seconds("encrypt_s", "Encryption at the client.", |layer| Cell::Number(layer.encrypt_s)),
    seconds("decrypt_s", "Decryption at the client.", |layer| Cell::Number(layer.decrypt_s)),
    seconds("garble_s", "Garbling.", |layer| Cell::Number(layer.garble_s)),
    seconds("evaluate_s", "Evaluation of garbled circuits.", |layer| Cell::Number(layer.evaluate_s)),
    seconds("ot_s", "Oblivious-transfer extension, both sides.", |layer| Cell::Number(layer.ot_s)),
    seconds("ring_linear_s", "Linear work on shares.", |layer| Cell::Number(layer.ring_linear_s)),
    seconds("transfer_s", "Time on the link, both directions.", |layer| Cell::Number(layer.transfer_s)),
    seconds("storage_s", "Writing and reading precomputes in storage.", |layer| Cell::Number(layer.storage_s)),
    seconds("other_s", "All other steps.", |layer| Cell::Number(layer.other_s)),
    bytes("up_bytes", "Client to server.", |layer| count(layer.up_bytes)),
    bytes("down_bytes", "Server to client.", |layer| count(layer.down_bytes)),
    seconds("energy_j", "Dynamic energy of its steps.", |layer| Cell::Number(layer.energy_j)),
];

/// The columns of the layers' table, in order.
pub(super) fn columns() -> Vec<ColumnInfo> {
    let point = ColumnInfo::new("point", Kind::Integer, "The point's number, as in the table of points.");
    let layer = |column: &LayerColumn| ColumnInfo::new(column.name, column.kind, column.description);
    std::iter::once(point).chain(COLUMNS.iter().map(layer)).collect()
}

/// The layers of all points that were evaluated, in the order of points and networks.
pub(super) fn frame(rows: &[PointRow]) -> Result<Frame, ResultsError> {
    let layers = || rows.iter().flat_map(|row| layers_of(row).iter().map(|layer| (row.point, layer)));
    let mut columns = Vec::with_capacity(COLUMNS.len() + 1);
    let mut add = |name: &str, kind: Kind, of: &dyn Fn(u64, &LayerCost, &mut Column) -> Result<(), Kind>| {
        let mut column = Column::empty(kind);
        for (point, layer) in layers() {
            of(point, layer, &mut column).map_err(|found| ResultsError::Row {
                point,
                message: format!("layer {}: column `{name}` is of {kind} and cannot hold {found}", layer.id),
            })?;
        }
        columns.push((name.to_owned(), column));
        Ok::<(), ResultsError>(())
    };
    add("point", Kind::Integer, &|point, _, column| column.push(count(point)))?;
    for LayerColumn { name, kind, of, .. } in &COLUMNS {
        add(name, *kind, &|_, layer, column| column.push(of(layer)))?;
    }
    Ok(Frame::new(columns)?)
}

fn layers_of(row: &PointRow) -> &[LayerCost] {
    row.outcome.as_ref().ok().and_then(|point| point.layers.as_deref()).unwrap_or_default()
}
