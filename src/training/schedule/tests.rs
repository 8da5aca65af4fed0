use super::*;

#[test]
fn an_equal_or_a_nan_loss_is_no_improvement() -> Result<(), ParameterError> {
    let (mut schedule, mut sgd) = (DecayOnPlateau::new(2.0)?, Sgd::new(1.0)?);
    assert!(schedule.observe(3.0, &mut sgd)?);
    assert!(!schedule.observe(3.0, &mut sgd)? && !schedule.observe(f32::NAN, &mut sgd)?);
    assert_eq!((sgd.learning_rate(), schedule.best_loss()), (0.25, 3.0));
    assert!(schedule.observe(2.9, &mut sgd)?);
    assert_eq!(sgd.learning_rate(), 0.25, "what was divided stays so");
    Ok(())
}

#[test]
fn no_best_loss_is_one_that_nothing_improves() -> Result<(), ParameterError> {
    let (schedule, mut sgd) = (DecayOnPlateau::new(2.0)?, Sgd::new(1.0)?);
    for best_loss in [f32::NAN, -f32::NAN, f32::NEG_INFINITY] {
        assert_eq!(schedule.with_best_loss(best_loss), Err(ParameterError::BestLoss), "{best_loss}");
        // nor does one come to stay
        let mut schedule = schedule;
        assert!(!schedule.observe(best_loss, &mut sgd)?, "{best_loss}");
        assert!(schedule.observe(1e30, &mut sgd)?, "{best_loss}");
    }
    for best_loss in [f32::INFINITY, f32::MAX, 0.0] {
        let mut schedule = schedule.with_best_loss(best_loss)?;
        assert!(schedule.observe(best_loss.next_down(), &mut sgd)?, "{best_loss}");
    }
    Ok(())
}

#[test]
fn factors_that_are_none() {
    for factor in [0.0, 0.5, 1.0_f32.next_down(), -4.0, f32::NAN, f32::INFINITY] {
        assert_eq!(DecayOnPlateau::new(factor), Err(ParameterError::Decay));
    }
}

#[test]
fn a_rate_never_becomes_zero() -> Result<(), ParameterError> {
    let (mut schedule, mut sgd) = (DecayOnPlateau::new(1e30)?.with_best_loss(1.0)?, Sgd::new(1e-10)?);
    assert_eq!(schedule.observe(2.0, &mut sgd), Ok(false));
    assert_eq!(schedule.observe(2.0, &mut sgd), Err(ParameterError::LearningRate));
    assert!(sgd.learning_rate() > 0.0);
    Ok(())
}
