namespace Sluice;

/// <summary>A batch is complete: it was closed, and everything in it has ended, in all consecutors that it went through.</summary>
/// <param name="Consecutor">The consecutor that the batch was sent to.</param>
/// <param name="Batch">Its name there.</param>
/// <param name="Items">How many items belonged to it: those that were sent, and those that came of them in further consecutors.</param>
/// <param name="Failed">How many of them died or were given up.</param>
public sealed record BatchCompleted(string Consecutor, string Batch, long Items, long Failed)
{
    /// <summary>Tells a consecutor of the end of a batch: <see cref="ConsecutorOptions.OnBatchCompleted"/> is called, and the marker ends with that, or fails as an item does.</summary>
    /// <param name="core">Whose it is.</param>
    /// <param name="root">The marker.</param>
    /// <param name="payload">What the store has counted.</param>
    /// <param name="cancellation">That of the run.</param>
    internal static void Tell(ConsecutorCore core, Root root, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (core.Options.OnBatchCompleted is not { } listener)
        {
            root.Settle(Outcome.Skipped);            // this code does not want to know any more
            return;
        }
        _ = TellAsync(core, root, payload, listener, cancellation);
    }

    private static async Task TellAsync(ConsecutorCore core, Root root, ReadOnlyMemory<byte> payload, Func<BatchCompleted, CancellationToken, ValueTask> listener, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // not on the pump's time
        try
        {
            BatchTag tag = root.Headers.EndOf!;
            BatchCounts counts = BatchCounts.Read(payload.Span);
            await listener(new(tag.Consecutor, tag.Name, counts.Accepted, counts.Failed), cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;                                  // it goes back to the store with its partition
        }
        catch (Exception e)
        {
            root.Fail(new PipelineException(core.Name, null, e, core.Recorder.Count - 1));
            return;
        }
        root.Settle(Outcome.Completed);
    }
}
