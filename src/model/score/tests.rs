use super::TokenScore;

#[test]
fn among_equally_likely_words_the_lower_id_comes_first() {
    let ranks = [0, 1, 2, 3, 4].map(|id| TokenScore::of(&[0.2, 0.3, 0.2, 0.1, 0.2], id).map(|score| score.rank));
    assert_eq!(ranks, [Some(2), Some(1), Some(3), Some(5), Some(4)]);
    assert_eq!(TokenScore::of(&[0.5, 0.5], 2), None);
}
