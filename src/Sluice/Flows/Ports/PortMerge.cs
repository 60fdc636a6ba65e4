using System.Runtime.ExceptionServices;

namespace Sluice.Flows;

/// <summary>Merges several streams: takes the next value of any stream that has one. A repetition replays the order.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class PortMerge(IItemBoundary? boundary, CancellationToken cancellation) : IDisposable
{
    private readonly List<(IInputPort Port, PortReader Reader)> inputs = [];
    private readonly List<Task<bool>?> reads = [];
    private readonly CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    private bool readsAhead = true;                  // otherwise each read is a wait
    private int last = -1;
    private int? number;                             // of its choices

    public void Add(IInputPort port, PortReader reader)
    {
        inputs.Add((port, reader));
        reads.Add(null);
        readsAhead &= inputs[0].Port.WaitsWith(port);
        foreach (var (_, merged) in inputs) merged.IsMerged = readsAhead;
    }

    /// <summary>Advances to the next value, which is current at the reader; null when all streams are complete.</summary>
    /// <param name="values">The loop, for telemetry; null if it has none.</param>
    public async ValueTask<(int Index, PortReader Reader)?> NextAsync(ValueLoop? values)
    {
        values?.End();
        if (last >= 0) inputs[last].Reader.Pass();
        last = -1;
        if (boundary is not null) await boundary.ReachAsync(!IsAtHand(), ending.Token).ConfigureAwait(false);
        long index = boundary is null ? await ChooseAsync().ConfigureAwait(false)
            : await boundary.ChooseAsync(ChoiceKind.Merge,
            number ??= boundary.NumberOf(ChoiceKind.Merge, string.Join(',', inputs.Select(input => input.Port.Name))), ChooseAsync)
                .ConfigureAwait(false);
        if (index < 0 || index >= inputs.Count) return null;
        last = (int)index;
        PortReader reader = inputs[last].Reader;
        Task<bool> read = reads[last] ?? reader.ReadAsync(ending.Token).AsTask();
        if (!read.IsCompleted) await WaitAsync(read, [reader]).ConfigureAwait(false);
        bool has = await read.ConfigureAwait(false);
        reads[last] = null;
        if (!has)
            throw new FlowException($"The stream {inputs[last].Port.Name} ended before the value that was read from it the last time.");
        return (last, reader);
    }

    /// <summary>Ends all readers; throws the first failure.</summary>
    public async ValueTask ReleaseAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        foreach (Task? read in reads)
            if (read is not null) await read.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ExceptionDispatchInfo? failure = null;
        foreach (var (port, reader) in inputs)
            try
            {
                await port.ReleaseAsync(reader, cancellation).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        failure?.Throw();
    }

    public void Dispose() => ending.Dispose();

    // A reader with a pending read belongs to that read.
    private bool IsAtHand()
    {
        for (int i = 0; i < inputs.Count; i++)
            if (reads[i] is { } read ? read.IsCompleted : inputs[i].Reader.HasNext) return true;
        return false;
    }

    /// <summary>Waits for the first stream with a value; -1 if all have ended.</summary>
    private async ValueTask<long> ChooseAsync()
    {
        while (true)
        {
            List<Task> pending = [];
            List<PortReader> readers = [];
            for (int i = 0; i < inputs.Count; i++)
            {
                if (reads[i] is null && inputs[i].Reader.HasEnded) continue;
                Task<bool> read = reads[i] ??= inputs[i].Reader.ReadAsync(ending.Token).AsTask();
                if (!read.IsCompleted)
                {
                    pending.Add(read);
                    readers.Add(inputs[i].Reader);
                    continue;
                }
                if (await read.ConfigureAwait(false)) return i;
                reads[i] = null;                     // it has ended
            }
            if (pending.Count == 0) return -1;
            await WaitAsync(Task.WhenAny(pending), readers).ConfigureAwait(false);
        }
    }

    private Task WaitAsync(Task waited, IReadOnlyList<PortReader> readers)
        => readsAhead ? inputs[0].Port.WaitAsync(waited, readers, ending.Token) : waited;
}
