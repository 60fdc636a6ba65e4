namespace Sluice.Delivery;

/// <content>The sinks begin, and begin again whenever partitions were acquired.</content>
internal sealed partial class Committer
{
    private bool mustBegin;                          // a begin has failed, perhaps in the middle; under `committing`

    /// <summary>Begins the sinks for partitions that were acquired while the loop runs.</summary>
    /// <returns>False if the consecutor is about to end, as in <see cref="PassAsync"/>.</returns>
    public async Task<bool> TryBeginSinksAsync(IReadOnlyList<OwnedPartition> taken)
    {
        try
        {
            await BeginSinksAsync(taken, hurry.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (hurry.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>
    /// Tells the sinks what is committed. Called before the first item runs, and for each acquired partition before its items run.
    /// </summary>
    /// <param name="taken">Acquired partitions that are not in <see cref="OwnedPartitions.Owned"/> yet.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task BeginSinksAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        await committing.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            await BeginAllAsync([.. core.Partitions.Owned.Concat(taken)], cancellation).ConfigureAwait(false);
        }
        finally
        {
            committing.Leave();
        }
    }

    /// <summary>
    /// Begins the sinks for the owned partitions, after they could not begin for acquired ones: items of the owned ones may be in flight.
    /// </summary>
    /// <returns>Whether they have begun.</returns>
    private async Task<bool> TryBeginAgainAsync()
    {
        OwnedPartition[] owned = core.Partitions.Owned;
        if (core.Sinks.AreWaiting || owned.Length == 0) return true;     // no item of a partition of this member is in flight
        try
        {
            await BeginAllAsync(owned, abandoned.Token).ConfigureAwait(false);
            core.Problems.OfCommits = null;
            core.Problems.OfSharing = null;          // partitions were acquired, and the sinks could not begin for them
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !abandoned.IsCancellationRequested)
        {
            core.Problems.OfCommits = $"A sink could not begin; it is tried again: {FailureText.Of(e)}";
            return false;
        }
    }

    private async Task BeginAllAsync(OwnedPartition[] owned, CancellationToken cancellation)
    {
        mustBegin = true;
        foreach (SinkBinding sink in core.Sinks.All)
        {
            var lengths = FileNames.Select(sink.Node, owned.Select(static partition => partition.FileLengths));
            await sink.BeginAsync(new(core.Name, sink.Node, core.Given, lengths, core.Time)
            {
                Partitions = [.. owned.Select(static partition => partition.Number)],
                HasAllPartitions = owned.Length == core.Stream.Partitions
            }, cancellation).ConfigureAwait(false);
        }
        mustBegin = false;
    }
}
