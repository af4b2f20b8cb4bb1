//! The products of one event: several at a time, each with its share of the time.

use futures::StreamExt;

use crate::domain::Deadline;

/// Does `work` for every item, at most `concurrency` (1 or more) at a time, and
/// returns what comes of each in the order of the items. `work` is given the
/// time by which it must be done: when it begins, what is left of `deadline` is
/// shared between it and the items that wait behind it.
pub async fn each<T, R, F>(
    items: Vec<T>,
    concurrency: usize,
    deadline: Deadline,
    work: impl Fn(T, Deadline) -> F,
) -> Vec<R>
where
    F: Future<Output = R>,
{
    let total = items.len();
    let mut outcomes: Vec<(usize, R)> = futures::stream::iter(items.into_iter().enumerate())
        .map(|(index, item)| {
            let turns = (total - index).div_ceil(concurrency);
            let work = work(item, deadline.of_turn(turns));
            async move { (index, work.await) }
        })
        .buffer_unordered(concurrency)
        .collect()
        .await;
    outcomes.sort_unstable_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_are_under_way_and_the_order_is_kept() {
        // How many are under way, and the most that ever were.
        let counts = Mutex::new((0_usize, 0_usize));
        let counts = &counts;
        let outcomes = each(
            (0..10_u64).collect(),
            3,
            Deadline::after(Duration::from_secs(60)),
            |item, _| async move {
                {
                    let mut counts = counts.lock().unwrap();
                    counts.0 += 1;
                    counts.1 = counts.1.max(counts.0);
                }
                // The first ones take longest.
                tokio::time::sleep(Duration::from_millis(100 - 10 * item)).await;
                counts.lock().unwrap().0 -= 1;
                item
            },
        )
        .await;
        assert_eq!(outcomes, (0..10).collect::<Vec<u64>>());
        assert_eq!(counts.lock().unwrap().1, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_is_not_used_is_left_to_those_behind() {
        let outcomes = each(
            vec![0_u64, 20, 0, 0],
            1,
            Deadline::after(Duration::from_secs(80)),
            |seconds, deadline: Deadline| async move {
                let share = deadline.remaining();
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                share.as_secs_f64().round()
            },
        )
        .await;
        // 80 s for four, 80 for three, 60 for two, 60 for one.
        assert_eq!(outcomes, [20.0, 27.0, 30.0, 60.0]);
    }

    #[tokio::test]
    async fn nothing_comes_of_nothing() {
        let deadline = Deadline::after(Duration::from_secs(1));
        let outcomes: Vec<u8> = each(Vec::new(), 4, deadline, |item, _| async move { item }).await;
        assert!(outcomes.is_empty());
    }
}
