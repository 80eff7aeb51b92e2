//! Figures as they are printed: the median of the rounds, with the least and the most.

/// `median (least to most)` with so many decimals; `-` where there are none.
pub fn cell(numbers: &[f64], decimals: usize) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return "-".to_owned() };
    let median = median(numbers);
    format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
}

/// The middle one, or the higher of the two in the middle. There must be one.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Each number by its fellow of the same round.
pub fn ratios(numbers: &[f64], by: &[f64]) -> Vec<f64> {
    numbers.iter().zip(by).map(|(number, by)| number / by).collect()
}

/// Prints a line of a Markdown table.
pub fn row<S: AsRef<str>>(cells: &[S]) {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    println!("| {} |", cells.join(" | "));
}

/// Prints the title and the head of a Markdown table.
pub fn head<S: AsRef<str>>(title: &str, columns: &[S]) {
    println!("\n{title}\n");
    row(columns);
    row(&vec!["---"; columns.len()]);
}
