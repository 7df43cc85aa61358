//! The body of a staged network: its stages `s1`, `s2`, … as the papers see them, and the order of their criticality.

use serde::Serialize;

use crate::{LayerId, Network, NetworkError, Op};

/// A stage of a network's body, with what ReLU equalization needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BodyStage {
    /// Its name: `s1`, `s2`, …
    pub name: String,
    /// Residual blocks, or convolutions where the stage has no additions: its depth.
    pub blocks: u64,
    /// Channels of its last ReLU, or of its last layer where it has none.
    pub channels: u64,
    /// Rows of the same layer's feature maps.
    pub rows: u64,
    /// ReLU layers.
    pub relu_layers: u64,
    /// ReLUs.
    pub relus: u64,
}

impl Network {
    /// The stages of the body in order: those named `s` and a number. Stem and head are none.
    pub fn body(&self) -> Vec<BodyStage> {
        let is_body = |name: &str| name.strip_prefix('s').is_some_and(|number| number.parse::<u32>().is_ok());
        let stages = self.stages.iter().enumerate().filter(|(_, name)| is_body(name));
        stages.map(|(index, name)| self.body_stage(index, name)).collect()
    }

    fn body_stage(&self, index: usize, name: &str) -> BodyStage {
        let members = || self.iter().filter(move |(_, layer)| layer.stage == index).map(|(id, layer)| (id, &layer.op));
        let count = |is: fn(&Op) -> bool| members().filter(|(_, op)| is(op)).count() as u64;
        let additions = count(|op| *op == Op::Add);
        let blocks = if additions > 0 { additions } else { count(|op| matches!(op, Op::Conv(_))) };
        let last_relu = members().filter(|(_, op)| is_relu(op)).last();
        let shape = last_relu.or_else(|| members().last()).map(|(id, _)| self.layer(id).output);
        BodyStage {
            name: name.into(),
            blocks,
            channels: shape.map_or(0, |shape| shape.channels as u64),
            rows: shape.map_or(0, |shape| shape.height as u64),
            relu_layers: count(is_relu),
            relus: members().map(|(id, _): (LayerId, _)| self.layer_counts(id).relus).sum(),
        }
    }

    /// Whether the ReLU counts of the body's stages fall strictly in an order of criticality (stages counted from 1, most
    /// critical first). Stages without any ReLU are in order if only they follow.
    pub fn keeps_order(&self, order: &[usize]) -> bool {
        let body = self.body();
        let relus =
            |stage: usize| stage.checked_sub(1).and_then(|index| body.get(index)).map_or(0, |stage| stage.relus);
        let counts: Vec<u64> = order.iter().map(|&stage| relus(stage)).collect();
        counts.iter().zip(counts.iter().skip(1)).all(|(more, less)| more > less || (*more, *less) == (0, 0))
    }
}

fn is_relu(op: &Op) -> bool {
    op.is_activation()
}

/// The usual order of criticality of a body with this many stages, most critical first, counted from 1.
///
/// For four stages it is 3, 2, 4, 1, DeepReDuce's finding on ResNet-18 and the one that DeepReShape equalizes for. Other
/// numbers follow the same pattern, which is an assumption: the last but one, those before it from late to early, the last,
/// the first.
pub fn criticality(stages: usize) -> Vec<usize> {
    let inner = (2..stages).rev();
    let ends = [stages, 1].into_iter().take(stages.min(2));
    inner.chain(ends).collect()
}

/// Checks that an order names each of the stages once.
pub(crate) fn check_order(order: &[usize], stages: usize) -> Result<(), NetworkError> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if sorted.into_iter().eq(1..=stages) {
        return Ok(());
    }
    let expected = format!("each of the stages 1 to {stages} once, the most critical first");
    Err(NetworkError::Option { key: "order", value: format!("{order:?}"), expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkSpec, cull};

    #[test]
    fn four_stages_have_deepreduces_order_and_others_its_pattern() {
        assert_eq!(criticality(4), [3, 2, 4, 1]);
        assert_eq!(criticality(3), [2, 3, 1]);
        assert_eq!(criticality(5), [4, 3, 2, 5, 1]);
        assert_eq!(criticality(2), [2, 1]);
        assert_eq!(criticality(1), [1]);
        assert!(criticality(0).is_empty());
        for stages in 0..8 {
            check_order(&criticality(stages), stages).unwrap();
        }
        assert!(check_order(&[1, 1], 2).is_err() && check_order(&[1], 2).is_err() && check_order(&[0, 1], 2).is_err());
    }

    #[test]
    fn the_body_is_seen_as_the_papers_see_it() {
        let body = |name: &str| NetworkSpec::named(name).unwrap().build().unwrap().body();
        let fact = |stage: &BodyStage| (stage.blocks, stage.channels, stage.rows, stage.relu_layers);
        let resnet34: Vec<_> = body("resnet34").iter().map(fact).collect();
        assert_eq!(resnet34, [(3, 64, 32, 6), (4, 128, 16, 8), (6, 256, 8, 12), (3, 512, 4, 6)]);
        let wide: Vec<_> = body("wrn-22-8").iter().map(fact).collect();
        assert_eq!(wide, [(3, 128, 32, 6), (3, 256, 16, 6), (3, 512, 8, 6)]);
        let vgg: Vec<_> = body("vgg16").iter().map(fact).collect();
        assert_eq!(vgg[..3], [(2, 64, 32, 2), (2, 128, 16, 2), (3, 256, 8, 3)]);
    }

    #[test]
    fn hybrenets_keep_the_order_and_resnets_do_not() {
        let network = |name: &str| NetworkSpec::named(name).unwrap().build().unwrap();
        for name in ["hrn-5x5x3x", "hrn-5x7x2x", "hrn-6x6x2x", "hrn-7x5x2x"] {
            assert!(network(name).keeps_order(&criticality(4)), "{name}");
            let culled = cull(&network(name), &["stem", "s1"]).unwrap();
            assert!(culled.keeps_order(&criticality(4)), "{name}");
            // The most critical stage culled is out of order.
            assert!(!cull(&network(name), &["s3"]).unwrap().keeps_order(&criticality(4)), "{name}");
        }
        assert!(!network("resnet18").keeps_order(&criticality(4)));
        assert!(!network("hrn-2x5x3x").keeps_order(&criticality(4)));
        assert!(cull(&network("hrn-2x5x3x"), &["s1"]).unwrap().keeps_order(&criticality(4)));
    }
}
