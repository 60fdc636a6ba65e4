namespace Sluice.Flows;

/// <summary>One reader of a stream, from a position on. Not thread-safe, except <see cref="Passed"/>, <see cref="Delivered"/> and
/// <see cref="Next"/>.</summary>
internal sealed class PortReader(IInputPort port, long from, bool isCounted)
{
    private readonly InputPort? expiring = port is InputPort { Expires: true } one ? one : null;
    private ReadOnlyMemory<Entry> batch;
    private int index;
    private long next = from;
    private long delivered = from;
    private long passed = from;

    /// <summary>The stream that it reads.</summary>
    public IInputPort Port => port;

    /// <summary>The position where it has begun.</summary>
    public long From { get; } = from;

    /// <summary>The position behind the values that were taken.</summary>
    public long Next => Volatile.Read(ref next);

    /// <summary>The value read last.</summary>
    public Entry Current { get; private set; }

    /// <summary>Whether it counts for commits; a look at a single value does not.</summary>
    public bool IsCounted => isCounted;

    /// <summary>The position up to which all values were processed.</summary>
    public long Passed => Volatile.Read(ref passed);

    /// <summary>The position up to which all values were given to the function.</summary>
    public long Delivered => Volatile.Read(ref delivered);

    /// <summary>Whether the next value is at hand.</summary>
    public bool HasNext => index < batch.Length;

    public bool HasEnded { get; private set; }

    /// <summary>Whether it reads ahead for a merge. Then its waits are no waits of the function, which may be at work; the merge says when
    /// the function waits.</summary>
    public bool IsMerged { get; set; }

    /// <summary>Gives out the current value.</summary>
    public Entry Deliver()
    {
        Volatile.Write(ref delivered, Current.Sequence + 1);
        port.Count(1);
        return Current;
    }

    /// <summary>Marks all delivered values as processed.</summary>
    public void Pass() => Volatile.Write(ref passed, Volatile.Read(ref delivered));

    /// <summary>Takes over the positions of a remote process, for which values were taken.</summary>
    public void MoveTo(long delivered, long passed)
    {
        port.Count(delivered - Delivered);
        Volatile.Write(ref this.delivered, delivered);
        Volatile.Write(ref this.passed, passed);
    }

    /// <summary>Marks the end of the stream.</summary>
    public void End() => HasEnded = true;

    /// <summary>Advances to the next value; waits until there is one.</summary>
    /// <returns>Whether there is a value; false if the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or no longer has the value.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        if (expiring is not null) await expiring.UseGateAsync(this, cancellation).ConfigureAwait(false);
        if (!HasNext)
        {
            ReadOnlyMemory<Entry> taken = await TakeAsync(cancellation).ConfigureAwait(false);
            if (taken.IsEmpty) return false;
            (batch, index) = (taken, 0);
        }
        Current = batch.Span[index++];
        return true;
    }

    /// <summary>Takes the next values at once, for another process; waits until there are some.</summary>
    /// <returns>The values; none if the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or no longer has the values.</exception>
    public async ValueTask<ReadOnlyMemory<Entry>> TakeAsync(CancellationToken cancellation)
    {
        if (HasEnded) return default;
        var (values, behind) = await port.FetchAsync(this, next, cancellation).ConfigureAwait(false);
        if (!values.IsEmpty) Volatile.Write(ref next, behind);
        return values;
    }
}
