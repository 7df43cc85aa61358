//! What is minimised: cross entropy with the labels, and with a teacher's softened answers.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::{log_softmax, softmax};

/// A share of every label that is spread over all classes, as `tests/python/train_digits.py` has it.
const SMOOTHING: f64 = 0.05;

/// Knowledge distillation (Hinton, Vinyals and Dean, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distillation {
    /// Logits of teacher and student are divided by it.
    pub temperature: f64,
    /// The teacher's share of the loss, 0 to 1; the labels have the rest.
    pub share: f64,
}

impl Default for Distillation {
    /// Usual values for small classifiers, not tuned here.
    fn default() -> Self {
        Self { temperature: 4.0, share: 0.9 }
    }
}

/// Cross entropy of logits `[n, classes]` with labels `[n]`, smoothed.
///
/// # Errors
/// Shapes that do not fit.
pub fn with_labels(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let log = log_softmax(logits, D::Minus1)?;
    let right = log.gather(&labels.unsqueeze(1)?, 1)?.mean_all()?;
    (right * -(1.0 - SMOOTHING))? - (log.mean_all()? * SMOOTHING)?
}

impl Distillation {
    /// The student's loss: `share · T² · H(teacher/T, student/T) + (1 − share) · H(labels, student)`.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn loss(&self, student: &Tensor, teacher: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let target = softmax(&(teacher.detach() / self.temperature)?, D::Minus1)?;
        let log = log_softmax(&(student / self.temperature)?, D::Minus1)?;
        let soft = (target * log)?.sum(D::Minus1)?.mean_all()?;
        let soft = (soft * -(self.share * self.temperature * self.temperature))?;
        soft + (with_labels(student, labels)? * (1.0 - self.share))?
    }
}

/// Right answers among logits `[n, classes]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn right(logits: &Tensor, labels: &Tensor) -> Result<u64> {
    let answers = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
    let labels = labels.to_vec1::<u32>()?;
    Ok(answers.iter().zip(&labels).filter(|(answer, label)| answer == label).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn a_student_who_answers_as_the_teacher_has_the_least_loss() {
        let device = Device::Cpu;
        let teacher = Tensor::new(&[[2f32, 0.0, -1.0]], &device).unwrap();
        let labels = Tensor::new(&[0u32], &device).unwrap();
        let only = Distillation { share: 1.0, ..Distillation::default() };
        let of = |logits: [f32; 3]| {
            let student = Tensor::new(&[logits], &device).unwrap();
            only.loss(&student, &teacher, &labels).unwrap().to_scalar::<f32>().unwrap()
        };
        let least = of([2.0, 0.0, -1.0]);
        for other in [[2.5, 0.0, -1.0], [1.5, 0.0, -1.0], [2.0, 0.3, -1.0], [0.0, 2.0, -1.0]] {
            assert!(of(other) > least, "{other:?}");
        }
        // Softmax does not see a common offset.
        assert!((of([3.0, 1.0, 0.0]) - least).abs() < 1e-4);
    }

    #[test]
    fn the_gradient_of_smoothed_labels_is_the_answer_minus_the_target() {
        let device = Device::Cpu;
        let logits = Var::new(&[[1f32, 2.0, 0.5, 0.0]], &device).unwrap();
        let labels = Tensor::new(&[1u32], &device).unwrap();
        let gradient = with_labels(&logits, &labels).unwrap().backward().unwrap();
        let gradient = gradient.get(&logits).unwrap().to_vec2::<f32>().unwrap();
        let answer = softmax(&logits, 1).unwrap().to_vec2::<f32>().unwrap();
        for (class, (gradient, answer)) in gradient[0].iter().zip(&answer[0]).enumerate() {
            let target = SMOOTHING as f32 / 4.0 + if class == 1 { 1.0 - SMOOTHING as f32 } else { 0.0 };
            assert!((gradient - (answer - target)).abs() < 1e-6, "{class}");
        }
        assert_eq!(right(&logits, &labels).unwrap(), 1);
    }
}
