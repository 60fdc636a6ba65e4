namespace Sluice.Flows;

// The readers in the store: the keeper, and the gate, which holds up the writer. They follow the readers here.
internal sealed partial class InputPort
{
    private const int Step = 64;                     // moves its readers in the store every so many values, and before a wait
    private const int UsesPerExpiry = 3;             // of the gate, by a loop that is busy with values at hand

    private long gateUsedAt;

    /// <summary>Whether the gate expires without use.</summary>
    public bool Expires => plan.GateExpiry is not null;

    /// <summary>Moves the readers in the store to the position that all readers here have passed, unless that is too close.</summary>
    public ValueTask MoveAsync(bool isWaiting, CancellationToken cancellation)
    {
        long least = Least();
        return least <= told || (!isWaiting && least - told < Step) ? default : TellAsync(cancellation);
    }

    /// <summary>Keeps a gate from expiring while a loop works on values that it has taken already.</summary>
    /// <param name="reader">The reader of the loop, which asks for its next value. If others are behind it, they keep the gate.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public ValueTask UseGateAsync(PortReader reader, CancellationToken cancellation)
        => isGateOpen == true && calls.Time.GetElapsedTime(Volatile.Read(ref gateUsedAt)) >= plan.GateExpiry / UsesPerExpiry
            && reader.Passed <= Least() ? TellAsync(cancellation) : default;

    private async ValueTask TellAsync(CancellationToken cancellation)
    {
        await moving.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            long least = Math.Max(told, Least());
            if (isGateOpen == true) await TellAsync(plan.Gate!, least, cancellation).ConfigureAwait(false);
            if (plan.MovesKeeper && least > told) await TellAsync(plan.Keeper, least, cancellation).ConfigureAwait(false);
            told = least;
        }
        finally
        {
            moving.Leave();
        }
    }

    private async Task TellAsync(string reader, long next, CancellationToken cancellation)
    {
        if (isClosed) return;                        // otherwise it would be opened again
        bool isGate = reader == plan.Gate;
        if (isGate) NoteUse();
        var move = new CursorCommit(Stream, reader, 0, next);
        if (await calls.DoAsync(Stream, () => Store.MoveReaderAsync(move, cancellation), cancellation).ConfigureAwait(false)
            || plan.GateExpiry is null) return;
        // It has expired meanwhile. It is opened at the oldest value that is kept.
        var options = new ReaderOptions { AppliesBackpressure = isGate, IdleTimeout = isGate ? plan.GateExpiry : plan.KeeperExpiry };
        ReaderInfo opened = await calls.DoAsync(Stream, () => Store.OpenReaderAsync(Stream, reader, options, cancellation), cancellation)
            .ConfigureAwait(false);
        if (opened.Next[0] < next)
            await calls.DoAsync(Stream, () => Store.MoveReaderAsync(move, cancellation), cancellation).ConfigureAwait(false);
    }

    private long Least()
    {
        lock (sync) return active.Count == 0 ? Passed ?? told : active.Min(reader => reader.Passed);
    }

    private async Task OpenGateAsync(long start, CancellationToken cancellation)
    {
        await moving.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            if (isGateOpen == true || isLifted) return;
            var options = new ReaderOptions { IdleTimeout = plan.GateExpiry };
            isGateOpen = null;                       // until the store has answered
            NoteUse();
            ReaderInfo opened = await calls.DoAsync(Stream, () => Store.OpenReaderAsync(Stream, plan.Gate!, options, cancellation),
                cancellation).ConfigureAwait(false);
            // The gate may be far behind the start, and follows with the first fetch.
            (isGateOpen, told) = (true, Math.Min(start, opened.Next[0]));
        }
        finally
        {
            moving.Leave();
        }
    }

    private void NoteUse() => Volatile.Write(ref gateUsedAt, calls.Time.GetTimestamp());
}
