namespace Sluice;

/// <summary>Sends commits to the store for as long as it takes.</summary>
internal static class CommitSender
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    /// <summary>Before the first repetition.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);

    /// <summary>Before the next one.</summary>
    public static TimeSpan Longer(TimeSpan wait) => wait * 2 < MaxWait ? wait * 2 : MaxWait;

    /// <summary>Sends a commit until the store has answered: the same one, which is applied once.</summary>
    /// <param name="core">Whose it is.</param>
    /// <param name="partition">Of what.</param>
    /// <param name="commit">What is to be applied.</param>
    /// <param name="patience">Cancelled when it is not to be sent again.</param>
    /// <exception cref="ItemRejectedException">The store refuses an item of it; nothing was applied.</exception>
    public static async Task<CommitResult> SendAsync(ConsecutorCore core, OwnedPartition partition, StoreCommit commit, CancellationToken patience)
    {
        int losses = core.Losses.Count;
        core.Commits.Ask();
        try
        {
            for (TimeSpan wait = FirstWait; ; wait = Longer(wait))
            {
                try
                {
                    CommitResult result = await core.Store.CommitAsync(commit, core.Life).ConfigureAwait(false);
                    if (result.Status is CommitStatus.Gap or CommitStatus.NotOutstanding)
                        core.Losses.WentBack($"A commit of {partition.Owner} was refused ({result.Status}): {result.Detail}");
                    return result;
                }
                catch (StoreRolledBackException e)
                {
                    core.Losses.WentBack(e.Message);
                    return new(CommitStatus.Stale, e.Message);
                }
                catch (ItemRejectedException)
                {
                    throw;                           // an item of it, and so the same again
                }
                catch (Exception e) when (!core.Life.IsCancellationRequested)
                {
                    if (core.EndIfClosed(e)) throw;
                    core.CommitProblem = $"The store does not take commits; they are sent again: {FailureText.Of(e)}";
                }
                await Task.Delay(wait, core.Time, patience).ConfigureAwait(false);

                // The store has lost something meanwhile: another commit may have this number. (If only the partition is lost, the store says what became of this one.)
                if (core.Losses.Count != losses) return new(CommitStatus.Stale, core.Losses.Latest);
            }
        }
        finally
        {
            core.CommitProblem = null;
            core.Commits.Answer();
        }
    }
}
