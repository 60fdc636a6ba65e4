namespace Sluice;

/// <summary>One reading of a stream, from a place on. Used by one party at a time; <see cref="Passed"/> by anyone.</summary>
internal sealed class PortReader(IInputPort port, long from, bool isCounted)
{
    private ReadOnlyMemory<Entry> batch;
    private int index;
    private long next = from;
    private long delivered = from;
    private long passed = from;

    /// <summary>Where it has begun.</summary>
    public long From { get; } = from;

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

    /// <summary>How far another process has come with what was taken for it.</summary>
    public void MoveTo(long delivered, long passed)
    {
        Volatile.Write(ref this.delivered, delivered);
        Volatile.Write(ref this.passed, passed);
    }

    /// <summary>There is no more.</summary>
    public void End() => HasEnded = true;

    /// <summary>Goes to the next value; waits until there is one.</summary>
    /// <returns>Whether there is one; else the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or does not have the value any more.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        if (!HasNext)
        {
            ReadOnlyMemory<Entry> taken = await TakeAsync(cancellation).ConfigureAwait(false);
            if (taken.IsEmpty) return false;
            (batch, index) = (taken, 0);
        }
        Current = batch.Span[index++];
        return true;
    }

    /// <summary>Takes the next values all at once; waits until there are some. For who gives them to another process.</summary>
    /// <returns>None if the stream is complete.</returns>
    /// <exception cref="FlowException">The stream has failed, or does not have the values any more.</exception>
    public async ValueTask<ReadOnlyMemory<Entry>> TakeAsync(CancellationToken cancellation)
    {
        if (HasEnded) return default;
        var (values, behind) = await port.FetchAsync(this, next, cancellation).ConfigureAwait(false);
        if (!values.IsEmpty) next = behind;
        return values;
    }
}
