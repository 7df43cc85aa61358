//! The offline phase: linear layers on the client's masks under encryption, then garbling of the non-linear layers.
//!
//! The order is software-pipelined: while one party evaluates a linear layer, the other decrypts the one before and
//! prepares its non-linear layers, and encrypts one layer ahead, so that no party holds more than two layers' ciphertexts.
//! A layer whose input is not masked afresh (values that pass a mask without a circuit) is encrypted only when the layer before
//! it is decrypted; the server waits for it.

use super::{Lowering, Setup, stored};
use crate::linear::LinearPlan;
use crate::program::{Message, Party, Phase, StepId, StepKind};
use crate::wire;
use crate::work::Work;
use pisim_netgen::{LayerId, Op};

const PHASE: Phase = Phase::Offline;

impl Lowering<'_> {
    pub(super) fn offline(&mut self, setup: Setup) {
        let linear: Vec<(LayerId, LinearPlan)> =
            self.layer_ids().zip(self.plans).filter_map(|(id, plan)| Some((id, plan.clone()?))).collect();
        let ready = self.ready_after();
        let known =
            |id: LayerId| self.inputs(id).iter().filter_map(|input| ready.get(input.0)).max().copied().unwrap_or(0);
        let encryptable: Vec<usize> = linear.iter().map(|(id, _)| known(*id)).collect();
        let nonlinear: Vec<(LayerId, usize)> = self
            .layer_ids()
            .filter(|id| self.circuits.get(id.0).is_some_and(Option::is_some))
            .map(|id| (id, known(id)))
            .collect();
        let mut delivered = linear.first().map(|(id, plan)| self.encrypt(*id, plan, setup));
        for index in 0..=linear.len() {
            let ready: Vec<LayerId> =
                nonlinear.iter().filter(|(_, after)| *after == index).map(|(id, _)| *id).collect();
            let round = Round { linear: &linear, encryptable: &encryptable, index, ready, setup };
            delivered = match self.protocol.garbler {
                Party::Server => self.server_garbles(&round, delivered),
                Party::Client => self.client_garbles(&round, delivered),
            };
        }
        let output = self.output_layer();
        self.client_share(output);
    }

    /// The client decrypts and chooses labels while the server evaluates the next layer; then the server garbles.
    fn server_garbles(&mut self, round: &Round<'_>, delivered: Option<StepId>) -> Option<StepId> {
        let late = self.encrypt_late(round, delivered);
        let evaluated = self.evaluate_linear(round, late.or(delivered));
        if late.is_none() {
            self.decrypt(round);
        }
        let columns: Vec<Option<StepId>> = round.ready.iter().map(|id| self.receive_labels(*id, round.setup)).collect();
        let delivered = self.encrypt_next(round, round.index);
        self.reply(round, evaluated);
        self.garble(round, columns);
        delivered
    }

    /// The server's choices are random, so it makes them first; then the client decrypts and garbles while the server
    /// evaluates the next layer.
    fn client_garbles(&mut self, round: &Round<'_>, delivered: Option<StepId>) -> Option<StepId> {
        let columns: Vec<Option<StepId>> = round.ready.iter().map(|id| self.receive_labels(*id, round.setup)).collect();
        let late = self.encrypt_late(round, delivered);
        let evaluated = self.evaluate_linear(round, late.or(delivered));
        let decrypted = if late.is_some() { round.index } else { round.index.saturating_sub(1) };
        let delivered = self.encrypt_next(round, decrypted);
        if late.is_none() {
            self.decrypt(round);
        }
        self.garble(round, columns);
        self.reply(round, evaluated);
        delivered
    }

    /// For every layer, how many linear layers must be done before the client knows its share of it.
    fn ready_after(&self) -> Vec<usize> {
        let (mut ready, mut linear) = (Vec::<usize>::new(), 0);
        for layer in self.layer_ids() {
            ready.push(match self.op(layer) {
                Op::Input => 0,
                op if op.rescales() => 0,
                Op::Conv(_) | Op::Linear { .. } => {
                    linear += 1;
                    linear
                }
                _ => self.inputs(layer).iter().filter_map(|input| ready.get(input.0)).max().copied().unwrap_or(0),
            });
        }
        ready
    }

    /// The steps after which the client has its share of `layer`: none for masks, which come from its seed.
    fn client_share(&mut self, layer: LayerId) -> Vec<StepId> {
        match self.op(layer) {
            Op::Input => Vec::new(),
            op if op.rescales() => Vec::new(),
            Op::Conv(_) | Op::Linear { .. } => self.decrypted.get(&layer).copied().into_iter().collect(),
            Op::ChannelBias { .. } if layer != self.output_layer() => self.client_shares_of_inputs(layer),
            _ => {
                if let Some(step) = self.client_shares.get(layer.0).copied().flatten() {
                    return vec![step];
                }
                let deps = self.client_shares_of_inputs(layer);
                let mut work = self.local_work(layer);
                if matches!(self.op(layer), Op::ChannelBias { .. }) {
                    work = Work::default();
                }
                work.stored_client_bytes = self.kept_answer_bytes(layer);
                let step = self.push(layer, StepKind::LocalLinear, Party::Client, PHASE, deps, work);
                if let Some(share) = self.client_shares.get_mut(layer.0) {
                    *share = Some(step);
                }
                vec![step]
            }
        }
    }

    pub(super) fn client_shares_of_inputs(&mut self, layer: LayerId) -> Vec<StepId> {
        let inputs = self.inputs(layer);
        inputs.into_iter().flat_map(|input| self.client_share(input)).collect()
    }

    fn encrypt(&mut self, layer: LayerId, plan: &LinearPlan, setup: Setup) -> StepId {
        let mut deps = self.client_shares_of_inputs(layer);
        deps.push(setup.public_key);
        let encrypt = self.push(layer, StepKind::Encrypt, Party::Client, PHASE, deps, plan.encrypt_work());
        self.send(layer, Message::Ciphertexts, Party::Client, PHASE, [encrypt], plan.ciphertexts_bytes().into())
    }

    /// Encrypts for the linear layer after this round's, if the `decrypted` linear layers are all that its input needs.
    fn encrypt_next(&mut self, round: &Round<'_>, decrypted: usize) -> Option<StepId> {
        let (id, plan) = round.linear.get(round.index + 1)?;
        let known = round.encryptable.get(round.index + 1).is_some_and(|needed| *needed <= decrypted);
        known.then(|| self.encrypt(*id, plan, round.setup))
    }

    /// Decrypts the linear layer before this round's and encrypts for this round's, where it had to wait for that.
    fn encrypt_late(&mut self, round: &Round<'_>, delivered: Option<StepId>) -> Option<StepId> {
        let (id, plan) = round.linear.get(round.index).filter(|_| delivered.is_none())?;
        self.decrypt(round);
        Some(self.encrypt(*id, plan, round.setup))
    }

    fn evaluate_linear(&mut self, round: &Round<'_>, delivered: Option<StepId>) -> Option<StepId> {
        let (layer, plan) = round.linear.get(round.index)?;
        let work = plan.linear_work() + stored(Party::Server, wire::SEED_BYTES);
        Some(self.push(*layer, StepKind::HeLinear, Party::Server, PHASE, delivered, work))
    }

    fn reply(&mut self, round: &Round<'_>, evaluated: Option<StepId>) {
        let Some((layer, plan)) = round.linear.get(round.index) else { return };
        let bytes = plan.reply_bytes();
        let reply = self.send(*layer, Message::ReplyCiphertexts, Party::Server, PHASE, evaluated, bytes.into());
        self.replies.insert(*layer, reply);
    }

    /// Decrypts the linear layer before this round's.
    fn decrypt(&mut self, round: &Round<'_>) {
        let previous = round.index.checked_sub(1).and_then(|previous| round.linear.get(previous));
        let Some((layer, plan)) = previous else { return };
        let deps = self.replies.get(layer).copied();
        let work = Work { stored_client_bytes: self.kept_answer_bytes(*layer), ..plan.decrypt_work() };
        let step = self.push(*layer, StepKind::Decrypt, Party::Client, PHASE, deps, work);
        self.decrypted.insert(*layer, step);
    }

    fn garble(&mut self, round: &Round<'_>, columns: Vec<Option<StepId>>) {
        for (layer, columns) in round.ready.iter().zip(columns) {
            self.garble_layer(*layer, columns, round.setup);
        }
    }
}

/// One round of the pipeline: the linear layer that is evaluated in it, and the non-linear layers that are prepared.
struct Round<'a> {
    linear: &'a [(LayerId, LinearPlan)],
    /// For every linear layer, how many of them must be decrypted before its input can be encrypted.
    encryptable: &'a [usize],
    index: usize,
    ready: Vec<LayerId>,
    setup: Setup,
}
