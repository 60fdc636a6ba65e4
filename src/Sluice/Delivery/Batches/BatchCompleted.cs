using Sluice.Delivery;

namespace Sluice;

/// <summary>The end of a batch: it was closed, and all its items have ended in all consecutors that they went through.</summary>
/// <param name="Consecutor">The consecutor that the batch was sent to.</param>
/// <param name="Batch">The name of the batch at that consecutor.</param>
/// <param name="Items">The number of items in the batch: those that were sent, and those that further consecutors received from
/// them.</param>
/// <param name="Failed">The number of those items that died or were given up.</param>
public sealed record BatchCompleted(string Consecutor, string Batch, long Items, long Failed)
{
    /// <summary>Calls <see cref="ConsecutorOptions.OnBatchCompleted"/> for a marker, the entry that ends a batch. The marker completes with
    /// the call, or fails as an item does.</summary>
    /// <param name="consecutor">The consecutor whose listener is called.</param>
    /// <param name="root">The marker.</param>
    /// <param name="payload">The counts of the store.</param>
    /// <param name="cancellation">The token of the run.</param>
    internal static void Tell(ConsecutorIdentity consecutor, Root root, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
        // Without a listener it was parked (CodeVersionGate).
        => _ = TellAsync(consecutor, root, payload, consecutor.Options.OnBatchCompleted!, cancellation);

    private static async Task TellAsync(ConsecutorIdentity consecutor, Root root, ReadOnlyMemory<byte> payload,
        Func<BatchCompleted, CancellationToken, ValueTask> listener, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // the listener must not hold up the pump
        try
        {
            BatchTag tag = root.Headers.EndOf!;
            BatchCounts counts = BatchCounts.Read(payload.Span);
            await listener(new(tag.Consecutor, tag.Name, counts.Accepted, counts.Failed), cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;                                  // the marker goes back to the store with its partition
        }
        catch (Exception e)
        {
            root.Fail(new PipelineException(consecutor.Name, null, e, consecutor.Recorder.Count - 1));
            return;
        }
        root.Settle(Outcome.Completed);
    }
}
