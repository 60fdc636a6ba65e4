namespace Sluice.Flows;

/// <summary>
/// Waits until a processor can start that has no work yet: until one input has a value or has ended; with <see cref="Processor.Wait"/>,
/// until all are complete.
/// </summary>
internal static class InputReadiness
{
    /// <param name="calls">The store.</param>
    /// <param name="run">The run.</param>
    /// <param name="plan">The processor.</param>
    /// <param name="waits">Called when it has to wait.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="FlowException">An input of a processor that waits has failed.</exception>
    public static async Task WaitAsync(StoreRetrier calls, string run, ProcessorPlan plan, Action waits, CancellationToken cancellation)
    {
        if (plan.Inputs.Length == 0) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        int needed = plan.Wait ? 1 : plan.Inputs.Length;             // inputs without a value, before it has to wait
        Task<string?>[] inputs = [.. plan.Inputs.Select(input => ReadyAsync(calls, FlowNames.Values(run, input), plan.Wait, Lack,
            waiting.Token))];
        try
        {
            for (List<Task<string?>> open = [.. inputs]; open.Count > 0;)
            {
                Task<string?> ready = await Task.WhenAny(open).ConfigureAwait(false);
                open.Remove(ready);
                string? failure = await ready.ConfigureAwait(false);
                if (!plan.Wait) return;
                // One failed input decides; the others no longer matter.
                if (failure is not null) throw StreamFailures.Of(run, plan.Inputs[Array.IndexOf(inputs, ready)], failure);
            }
        }
        finally
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(inputs)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Lack()
        {
            if (Interlocked.Decrement(ref needed) == 0) waits();
        }
    }

    /// <returns>The failure of the stream; null if it has none.</returns>
    private static async Task<string?> ReadyAsync(StoreRetrier calls, string stream, bool wait, Action lacks,
        CancellationToken cancellation)
    {
        for (bool isFirst = true; ; isFirst = false)
        {
            long seen = await calls.DoAsync(stream, () => calls.Store.WaitForChangeAsync(stream, -1, cancellation), cancellation)
                .ConfigureAwait(false);
            StreamInfo info = await calls.DoAsync(stream, () => calls.Store.FindStreamAsync(stream, cancellation), cancellation)
                .ConfigureAwait(false)
                ?? throw new FlowException($"The stream {stream} is not in the store: the run was deleted.");
            if (info.End is { } end) return end.Failure;
            if (!wait && info.Items > 0) return null;
            if (isFirst) lacks();
            await calls.WaitForChangeAsync(stream, seen, cancellation).ConfigureAwait(false);
        }
    }
}
