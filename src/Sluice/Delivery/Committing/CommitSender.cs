using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Membership;

namespace Sluice.Delivery;

/// <summary>Sends commits to the store until it answers.</summary>
/// <remarks>Thread-safe; it has no state. The same commit is sent again: the store applies it once.</remarks>
internal sealed class CommitSender(
    IStreamStore store, TimeProvider time, IStoreLosses losses, ConsecutorLifetime lifetime, ConsecutorProblems problems,
        CallSilenceTracker answers, ConsecutorTelemetry telemetry, StoppedPartitions stopped)
{
    private const string Abandoned = "abandoned";
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    /// <summary>The wait before the first repetition.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);

    /// <summary>The wait before the next repetition.</summary>
    public static TimeSpan Longer(TimeSpan wait) => wait * 2 < MaxWait ? wait * 2 : MaxWait;

    /// <summary>Sends a commit until the store has answered.</summary>
    /// <param name="partition">The partition of the commit.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="abandoned">Cancelled when the commit is not to be sent again.</param>
    /// <param name="outside">Executes the waits between two tries; null if nothing else waits for this commit.</param>
    /// <exception cref="ItemRejectedException">The store refuses an item of it; nothing was applied.</exception>
    /// <exception cref="PayloadException">An entry is longer than its stream allows; nothing was applied.</exception>
    public async Task<CommitResult> SendAsync(OwnedPartition partition, StoreCommit commit, CancellationToken abandoned,
        Func<Task, Task>? outside = null)
    {
        int known = losses.Count;
        answers.Ask();
        (long began, string? error) = (telemetry.BeginOperation(), Abandoned);
        bool mayBeApplied = false;                   // by a try that has had no answer
        try
        {
            for (TimeSpan wait = FirstWait; ; wait = Longer(wait))
            {
                try
                {
                    CommitResult result = await store.CommitAsync(commit, lifetime.Token).ConfigureAwait(false);
                    problems.OfCommits = null;
                    if (result.Status == CommitStatus.Committed) stopped.Committed(partition.Number);
                    error = result.Status == CommitStatus.Committed ? null : StatusText(result.Status);
                    return losses.Learn(partition.Owner, result);
                }
                catch (StoreRolledBackException e)
                {
                    losses.WentBack(e.Message);
                    return new(CommitStatus.Stale, e.Message);
                }
                catch (Exception e) when (e is ItemRejectedException or PayloadException)
                {
                    error = TelemetryNames.ErrorOf(e);
                    throw;                           // an item of it, and so the same again
                }
                catch (StreamStoreException damage) when (damage.IsPermanent && damage.Partition == partition.Number
                    && damage.Stream == partition.Owner.Group.Stream && !(mayBeApplied && commit.MustLast))
                {
                    // The same commit would be refused again. The next lease of the partition meets the damage, most often. But sinks take
                    // back what they have prepared: their commit is sent again until it is known not to be applied.
                    error = TelemetryNames.ErrorOf(damage);
                    stopped.Refuse(partition, damage.Message);
                    return new(CommitStatus.Stale, damage.Message);
                }
                catch (Exception e) when (!lifetime.Token.IsCancellationRequested)
                {
                    if (lifetime.EndIfClosed(e)) throw;
                    mayBeApplied |= e is not StreamStoreException { IsPermanent: true };
                    problems.OfCommits = $"The store does not take commits; they are sent again: {FailureText.Of(e)}";
                }
                Task pause = RetryPause.WaitAsync(wait, time, abandoned);
                await (outside?.Invoke(pause) ?? pause).ConfigureAwait(false);

                // The store has lost something meanwhile: another commit may have this number. (If only the partition is lost, the store
                // says what became of this one.)
                if (losses.Count != known) return new(CommitStatus.Stale, losses.Latest);
            }
        }
        finally
        {
            telemetry.Committed(began, commit, error);
            problems.GiveUpCommit();
            answers.Answer();
        }
    }

    /// <summary>Ends the span of a commit.</summary>
    /// <param name="span">The span.</param>
    /// <param name="answer">The answer of the store; null if there is none.</param>
    /// <param name="refused">Why the store refuses an item of the commit; null if it refuses none.</param>
    public static void End(Activity span, CommitResult? answer, Exception? refused)
    {
        if (answer is null && refused is null) Telemetry.Fail(span, Abandoned, null);
        else if (answer is { Status: not CommitStatus.Committed and var status }) Telemetry.Fail(span, StatusText(status), null);
        Telemetry.End(span, refused);
    }

    // Dashboards filter by these texts, so they do not follow names in the code.
    private static string StatusText(CommitStatus status) => status switch
    {
        CommitStatus.Stale => "stale",
        CommitStatus.OutputEnded => "output_ended",
        CommitStatus.Gap => "gap",
        CommitStatus.NotOutstanding => "not_outstanding",
        _ => "_OTHER",
    };
}
