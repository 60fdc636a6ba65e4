namespace Sluice;

/// <summary>When a processor begins: as soon as one of its inputs has something, or has ended; one that waits, when all are complete, and not at all if one has failed.</summary>
internal static class InputReadiness
{
    /// <exception cref="FlowException">An input of a processor that waits has failed.</exception>
    public static async Task WaitAsync(StoreRetrier calls, string run, ProcessorPlan plan, CancellationToken cancellation)
    {
        if (plan.Inputs.Length == 0) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<string?>[] inputs = [.. plan.Inputs.Select(input => ReadyAsync(calls, FlowNames.Values(run, input), plan.Wait, waiting.Token))];
        try
        {
            for (List<Task<string?>> open = [.. inputs]; open.Count > 0;)
            {
                Task<string?> ready = await Task.WhenAny(open).ConfigureAwait(false);
                open.Remove(ready);
                string? failure = await ready.ConfigureAwait(false);
                if (!plan.Wait) return;
                // What the others still get makes no difference any more.
                if (failure is not null) throw StreamFailures.Of(run, plan.Inputs[Array.IndexOf(inputs, ready)], failure);
            }
        }
        finally
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(inputs)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How it has failed; null if it has not.</returns>
    private static async Task<string?> ReadyAsync(StoreRetrier calls, string stream, bool wait, CancellationToken cancellation)
    {
        while (true)
        {
            long seen = await calls.DoAsync(stream, () => calls.Store.WaitForChangeAsync(stream, -1, cancellation), cancellation).ConfigureAwait(false);
            StreamInfo info = await calls.DoAsync(stream, () => calls.Store.FindStreamAsync(stream, cancellation), cancellation).ConfigureAwait(false)
                ?? throw new FlowException($"The stream {stream} is not in the store: the run was deleted.");
            if (info.End is { } end) return end.Failure;
            if (!wait && info.Items > 0) return null;
            await calls.DoAsync(stream, () => calls.Store.WaitForChangeAsync(stream, seen, cancellation), cancellation).ConfigureAwait(false);
        }
    }
}
