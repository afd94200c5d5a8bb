//! What was done beside the model's task, and comes back to it.

use super::Task;
use super::done::Done;

impl Task {
    /// Takes in what was done, and answers who waits for it.
    pub(super) async fn take(&mut self, done: Done) {
        self.is_news = true;
        match done {
            Done::Seen(seen, answer) => {
                let _ = answer.send(Ok(self.seen(seen)));
            }
            Done::Code(number, told) => self.code(number, told),
            Done::Paired(number, told) => self.paired(number, told).await,
            Done::Pasted(told, answer) => {
                let kept = match told {
                    Ok(gotten) => self.adopt(gotten).await,
                    Err(wrong) => Err(wrong),
                };
                let _ = answer.send(self.told(kept));
            }
            Done::Forgot(told, answer) => {
                if told.is_ok() {
                    self.begin_anew().await;
                }
                let _ = answer.send(self.told(told));
            }
            Done::Planned(planned, answer) => {
                let plan = self.planned(planned);
                let _ = answer.send(self.told(plan));
            }
            Done::PlannedAgain(planned) => self.planned_again(planned),
            Done::Uploaded(told) => self.uploaded(told),
            Done::Fell => tracing::error!("something beside the model fell"),
        }
    }
}
