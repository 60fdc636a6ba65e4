namespace Sluice;

/// <summary>One reading of a stream, from a place on. Used by one party at a time; <see cref="Passed"/> by anyone.</summary>
internal sealed class PortReader(InputPort port, long from, bool isCounted)
{
    private const int MostItems = 256;
    private const int MostBytes = 1 << 20;

    private ReadOnlyMemory<Entry> batch;
    private int index;
    private long next = from;
    private long delivered = from;
    private long passed = from;

    /// <summary>What was read last.</summary>
    public Entry Current { get; private set; }

    /// <summary>Whether it takes part in what is committed: what was read to look at one value does not.</summary>
    public bool IsCounted => isCounted;

    /// <summary>Everything before this has been processed.</summary>
    public long Passed => Volatile.Read(ref passed);

    /// <summary>Everything before this was given to who reads.</summary>
    public long Delivered => Volatile.Read(ref delivered);

    /// <summary>Whether the next value is at hand.</summary>
    public bool HasNext => index < batch.Length;

    public bool HasEnded { get; private set; }

    /// <summary>The current value is given to who has asked for it.</summary>
    public Entry Deliver()
    {
        Volatile.Write(ref delivered, Current.Sequence + 1);
        return Current;
    }

    /// <summary>What was delivered has been processed.</summary>
    public void Pass() => Volatile.Write(ref passed, Volatile.Read(ref delivered));

    /// <summary>Goes to the next value; waits until there is one.</summary>
    /// <returns>Whether there is one; else the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or does not have the value any more.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        if (!HasNext && !await FetchAsync(cancellation).ConfigureAwait(false)) return false;
        Current = batch.Span[index++];
        return true;
    }

    private async ValueTask<bool> FetchAsync(CancellationToken cancellation)
    {
        if (HasEnded) return false;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, port.Life);
        cancellation = either.Token;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            long seen = await port.Calls.DoAsync(port.Stream, () => port.Store.WaitForChangeAsync(port.Stream, -1, cancellation), cancellation).ConfigureAwait(false);
            var request = new ReadRequest(port.Stream, 0, next) { MaxItems = MostItems, MaxBytes = MostBytes, Reader = port.Keeper };
            ReadResult result = await port.Calls.DoAsync(port.Stream, () => port.Store.ReadAsync(request, cancellation), cancellation).ConfigureAwait(false);
            if (result.Missed > 0) throw port.Gone(next, result.Missed);
            if (result.Entries.Length > 0)
            {
                (batch, index, next) = (result.Entries, 0, result.Next);
                await port.MoveAsync(isWaiting: false, cancellation).ConfigureAwait(false);
                return true;
            }
            if (result.End is { } end)
            {
                HasEnded = true;
                port.SeeEnd(end);
                await port.MoveAsync(isWaiting: true, cancellation).ConfigureAwait(false);
                return false;
            }
            await port.MoveAsync(isWaiting: true, cancellation).ConfigureAwait(false);
            await using (await port.RestAsync(cancellation).ConfigureAwait(false))
                await port.Calls.DoAsync(port.Stream, () => port.Store.WaitForChangeAsync(port.Stream, seen, cancellation), cancellation).ConfigureAwait(false);
        }
    }
}
