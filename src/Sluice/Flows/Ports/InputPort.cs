using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>An input stream of a run: any number of concurrent readers, and the position that all of them have passed.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed partial class InputPort(StoreRetrier calls, PortPlan plan, IItemBoundary? boundary, ExecutionSlot? slot = null,
    CancellationToken life = default) : IInputPort
{
    private readonly Lock sync = new();
    private readonly List<PortReader> active = [];
    private readonly AsyncLock moving = new();
    private long told = plan.From;
    private bool? isGateOpen = plan.Gate is null ? false : null;          // null: not known, as an earlier start has left it
    private long left;                               // the position delivered to readers that have ended
    private long? rejoinedAt;                        // found once, for all later readers
    private bool wasRead;
    private bool isLifted;
    private volatile bool isClosed;                  // of a disposed FlowRun: later reads throw
    private volatile bool hasEnded;                  // the function has ended: later reads throw; set under `moving`
    private int waiting;
    private readonly ExecutionSlot? slot = slot;

    public StoreRetrier Calls => calls;

    public IStreamStore Store => calls.Store;

    public string Name => plan.Name;

    public string Keeper => plan.Keeper;

    public string Stream { get; } = FlowNames.Values(plan.Run, plan.Name);

    public IItemBoundary? Boundary => boundary;

    public void Count(long values) => boundary?.Telemetry.Processor.Consumed(values);

    /// <summary>Cancelled when the readers must stop; none for results.</summary>
    public CancellationToken Life => life;

    /// <summary>Whether a reader here waits for a value.</summary>
    public bool IsWaiting => Volatile.Read(ref waiting) > 0;

    /// <summary>Whether a reader has reached the end of the stream.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The position for the next commit: all values before it were processed by counted readers; null if there was none.</summary>
    public long? Passed { get; private set; }

    public ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, CancellationToken cancellation)
        => OpenAsync(from, isCounted, chooser: null, chosen: null, cancellation);

    /// <summary>
    /// Opens a reader for another process, which numbers its own choosers, and may have replayed the choice of the position.
    /// </summary>
    public async ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, int? chooser, long? chosen, CancellationToken cancellation)
    {
        ThrowIfClosed();
        if (boundary is null) CallingFunction.CheckRead(plan.Run, plan.Name);
        // FirstAsync reads the first value also after a resume. If that value has left the store, the read fails.
        long start = chosen ?? (isCounted ? plan.From : 1);
        if (from != ReadFrom.First && !plan.IsPlaced && chosen is null)
        {
            ValueTask<long> Choose() => FindAsync(from, cancellation);
            ChoiceKind kind = from == ReadFrom.New ? ChoiceKind.New : ChoiceKind.Latest;
            start = boundary is null ? await Choose().ConfigureAwait(false)
                : await boundary.ChooseAsync(kind, chooser ?? boundary.NumberOf(kind, plan.Name), Choose).ConfigureAwait(false);
            if (plan.IsOnce && boundary is not null) await boundary.PlaceAsync(plan.Name, start).ConfigureAwait(false);
        }
        else if (plan.IsRejoined && isCounted) start = rejoinedAt ??= await FindPlaceAsync(cancellation).ConfigureAwait(false);
        var reader = new PortReader(this, start, isCounted);
        lock (sync)
        {
            if (plan.IsOnce && isCounted && wasRead)
                throw new FlowException($"The stream {plan.Name} is read a second time: a processor that resumes per item, or at "
                    + "checkpoints, reads each of its inputs once. Read it once, or let it resume from scratch.");
            wasRead |= isCounted;
            active.Add(reader);
        }
        try
        {
            if (plan.Gate is not null) await OpenGateAsync(start, cancellation).ConfigureAwait(false);
        }
        catch
        {
            lock (sync) active.Remove(reader);
            // The store may have opened the gate, and its answer has not come.
            if (boundary is null) _ = QuietlyAsync(CloseGateAsync(onlyIfIdle: true, CancellationToken.None));
            throw;
        }
        return reader;
    }

    public ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(PortReader reader, long next, CancellationToken cancellation)
    {
        ThrowIfClosed();
        return PortFetch.FetchAsync(this, reader, next, cancellation);
    }

    /// <summary>Marks the values read last as processed, although the function has not asked for more.</summary>
    /// <param name="onlyLeft">Only those of loops that the function has left.</param>
    public void PassCurrent(bool onlyLeft = false)
    {
        lock (sync)
        {
            if (left > (Passed ?? 0) && (!onlyLeft || active.Count == 0)) Passed = left;
            foreach (PortReader reader in active)
                if (reader.IsCounted && !onlyLeft) reader.Pass();
        }
    }

    /// <summary>Notes and returns the position that the counted readers have passed, for a commit.</summary>
    public long? Mark()
    {
        lock (sync)
        {
            foreach (PortReader reader in active)
                if (reader.IsCounted) Passed = reader.Passed;
            return Passed;
        }
    }

    /// <summary>The number of values that the function has got and not finished.</summary>
    public long InFlight
    {
        get
        {
            lock (sync) return active.Where(static reader => reader.IsCounted).Sum(static reader => reader.Delivered - reader.Passed);
        }
    }

    /// <summary>The number of values that the stream has and the function has not finished.</summary>
    public long BehindIn(StreamInfo info)
    {
        if (info.Readers.FirstOrDefault(reader => reader.Name == plan.Keeper) is not { } keeper) return 0;
        return Math.Max(0, keeper.Next[0] + keeper.Backlog - Math.Max(keeper.Next[0], Least()));
    }

    /// <summary>Closes the gate for good: unread values are kept without holding up the writer.</summary>
    /// <returns>Whether the gate was open until now.</returns>
    public async Task<bool> LiftGateAsync()
    {
        bool wasOpen = isGateOpen != false;
        isLifted = true;
        await CloseGateAsync(onlyIfIdle: false, CancellationToken.None).ConfigureAwait(false);
        return wasOpen;
    }

    /// <summary>Closes the port and its readers in the store: nothing is kept for it any more.</summary>
    public async ValueTask CloseAsync(CancellationToken cancellation = default)
    {
        isClosed = true;
        await CloseGateAsync(onlyIfIdle: false, cancellation).ConfigureAwait(false);
        await CloseAsync(plan.Keeper, cancellation).ConfigureAwait(false);
        await StreamRelease.LetGoAsync(calls, Stream, cancellation).ConfigureAwait(false);
    }

    /// <summary>Refuses later reads: the function has ended, and its host closes the readers in the store. Waits until no gate is being
    /// opened.</summary>
    public async Task EndAsync()
    {
        await moving.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        hasEnded = true;
        moving.Leave();
    }

    public void SeeEnd(StreamEnd end)
    {
        if (end.Failure is null) IsComplete = true;
        else throw StreamFailures.Of(plan.Run, plan.Name, end.Failure);
    }

    public FlowException Unreadable(long number, Type type, PayloadException cause) => StreamFailures.Unreadable(Name, number, type,
        plan.Processor is null ? "This service" : $"The processor {plan.Processor}",
        plan.Writer is null ? "The start of the run has put it in" : $"The processor {plan.Writer} has put it out", cause);

    public FlowException Gone(long from, long missed)
        => StreamFailures.Gone(plan.Run, plan.Name, from, missed, isResult: plan.Processor is null);

    private async Task CloseGateAsync(bool onlyIfIdle, CancellationToken cancellation)
    {
        await moving.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (isGateOpen == false || (onlyIfIdle && (hasEnded || IsBusy()))) return;
            await CloseAsync(plan.Gate!, cancellation).ConfigureAwait(false);
            isGateOpen = false;
        }
        finally
        {
            moving.Leave();
        }

        bool IsBusy()
        {
            lock (sync) return active.Count > 0;
        }
    }

    private Task CloseAsync(string reader, CancellationToken cancellation)
        => calls.DoAsync([], () => Store.CloseReaderAsync(Stream, reader, cancellation), cancellation);

    private void ThrowIfClosed()
    {
        if (hasEnded) throw new FlowException(
            $"The function of the processor {plan.Processor} has ended, and code that it has left behind reads {Name}. Await all reads "
                + $"before the function returns.")
        { Run = plan.Run };
        if (!isClosed) return;
        if (boundary is null) throw new ObjectDisposedException(nameof(FlowRun),
            $"The stream {Name} of the run {plan.Run} cannot be read here any more: the FlowRun was disposed, and what it had not read is "
                + $"not kept for it.");
        throw new FlowException(
            $"The function that is registered for the processor has no parameter for the input {Name}, so nothing is kept for it. "
                + $"Register one that has it, or a ProcessorFunction, which may read any.")
        { Run = plan.Run };
    }

    private async ValueTask<long> FindPlaceAsync(CancellationToken cancellation)
    {
        StreamInfo? info = await calls.DoAsync(Stream, () => Store.FindStreamAsync(Stream, cancellation), cancellation)
            .ConfigureAwait(false);
        return info?.Readers.FirstOrDefault(reader => reader.Name == plan.Keeper)?.Next[0] ?? plan.From;
    }

    private async ValueTask<long> FindAsync(ReadFrom from, CancellationToken cancellation)
    {
        StreamInfo? info = await calls.DoAsync(Stream, () => Store.FindStreamAsync(Stream, cancellation), cancellation)
            .ConfigureAwait(false);
        ReaderInfo? keeper = info?.Readers.FirstOrDefault(reader => reader.Name == plan.Keeper);
        if (keeper is null) return plan.From;
        long tail = keeper.Next[0] + keeper.Backlog;
        return from == ReadFrom.New ? tail : Math.Max(plan.From, tail - 1);
    }
}
