//! The near miss: the known word that a misspelt one was probably meant to be.

/// The option nearest to `word`, if one is near enough to be worth suggesting: at most a third of its letters wrong
/// (case, `-` and `_` do not count), or `word` is a part of it.
pub fn nearest<'a>(word: &str, options: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = simplified(word);
    let letters = plain.chars().count();
    options
        .into_iter()
        .filter_map(|option| {
            let other = simplified(option);
            // Comparing is quadratic, so an absurdly long word is not compared at all.
            if letters > 4 * other.chars().count() + 8 {
                return None;
            }
            let distance = strsim::osa_distance(&plain, &other);
            let close = distance <= (letters / 3).max(1) && distance < other.chars().count();
            let part = letters >= 3 && other.contains(&plain);
            (close || part).then_some((!close, distance, option))
        })
        .min_by_key(|&(only_part, distance, _)| (only_part, distance))
        .map(|(_, _, option)| option)
}

/// The ending of an error message that names the near miss (``; did you mean `x`?``), or nothing.
pub fn did_you_mean<'a>(word: &str, options: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, options).map(|option| format!("; did you mean `{option}`?")).unwrap_or_default()
}

fn simplified(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 4] = ["clock", "gate_engines", "fpga-u280", "cpu-lan"];

    #[test]
    fn near_misses_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("clok", OPTIONS), Some("clock"));
        assert_eq!(nearest("Gate-Engine", OPTIONS), Some("gate_engines"));
        assert_eq!(nearest("u280", OPTIONS), Some("fpga-u280"));
        assert_eq!(nearest("latency", OPTIONS), None);
        assert_eq!(nearest("", OPTIONS), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn the_nearest_of_several_wins() {
        assert_eq!(nearest("cores", ["cards", "score", "core"]), Some("core"));
    }
}
