namespace Sluice;

/// <summary>When a processor begins: as soon as one of its inputs has something, or has ended; one that waits, when all have ended.</summary>
internal static class InputReadiness
{
    /// <exception cref="FlowException">An input of a processor that waits has failed.</exception>
    public static async Task WaitAsync(Insistence calls, string run, ProcessorPlan plan, CancellationToken cancellation)
    {
        if (plan.Inputs.Length == 0) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<string?>[] inputs = [.. plan.Inputs.Select(input => ReadyAsync(calls, FlowNames.Values(run, input), plan.Wait, waiting.Token))];
        try
        {
            if (!plan.Wait) await (await Task.WhenAny(inputs).ConfigureAwait(false)).ConfigureAwait(false);
            else
                for (int i = 0; i < inputs.Length; i++)
                    if (await inputs[i].ConfigureAwait(false) is { } failure) throw StreamFailures.Of(run, plan.Inputs[i], failure);
        }
        finally
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(inputs)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How it has failed; null if it has not.</returns>
    private static async Task<string?> ReadyAsync(Insistence calls, string stream, bool wait, CancellationToken cancellation)
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
