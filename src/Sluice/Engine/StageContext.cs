namespace Sluice;

/// <summary>What a stage instance knows of the run around it, and its counters.</summary>
/// <remarks>One per instance, that is, per run and lane. Written by the island that runs the instance, read by snapshots.</remarks>
internal sealed class StageContext(PipelineRun run, int node, StageContext? guard = null) : IChained<StageContext>
{
    public long In;
    public long Out;
    public long Skipped;
    public long Failed;
    public long Retried;

    private CancellationToken attempt;
    private volatile bool suspended;
    private long ticks;                              // of its time, where that is recorded
    private long since;                              // an item is in it: one more than the timestamp since when; 0 if none is
    private Dictionary<string, long>? measured;      // under its lock

    public PipelineRun Run => run;

    public int Node => node;

    /// <summary>What user code is handed: the run's token, or that of the current attempt when the stage has a timeout.</summary>
    public CancellationToken Token
    {
        get => attempt.CanBeCanceled ? attempt : attempt = run.Token;
        set => attempt = value;
    }

    /// <summary>The ticket of the item that a stage behind a <see cref="PolicyStage{TIn, TOut}"/> works on: the guard keeps it.</summary>
    public Ticket? Ticket { get; set; }

    /// <summary>Where an instance of a stage that remembers something is being made: for which partition; null in runs without such.</summary>
    public StateScope? Scope { get; set; }

    /// <summary>In lanes by key: makes a text of the key of an item, a function of the items' type.</summary>
    public Delegate? KeyOf { get; set; }

    /// <summary>In lanes by key, in a run whose timers outlive it: whether a key is one of this lane; null where there is one lane.</summary>
    public Func<string, bool>? OwnsKey { get; set; }

    /// <summary>Where each key has an instance of the stage: the clock that they share; null elsewhere.</summary>
    public KeyClock? KeyClock { get; set; }

    /// <summary>The gate that the instances of a timed stage share; null where there is one instance.</summary>
    public Gate? Gate { get; set; }

    /// <summary>Set for a synchronous stage of which as many items come out as go in, less those that fail: saves it a counter.</summary>
    public bool IsOneToOne { get; set; }

    /// <summary>A stage that counts for other nodes as well, after all contexts have been added up.</summary>
    public IReportsCounts? Reporter { get; set; }

    /// <summary>Set when the reporter counts for this node too.</summary>
    public bool IsReported { get; set; }

    StageContext? IChained<StageContext>.Before { get; set; }

    /// <summary>Whether user code has been called and has not come back: it names who does not stop. Any thread.</summary>
    public bool IsSuspended
    {
        get => suspended;
        set => (guard ?? this).suspended = value;
    }

    /// <summary>Whether its time is recorded. Set while the run is built.</summary>
    public bool IsTimed { get; set; }

    /// <summary>Whether an item is in it now, where its time is recorded. Any thread.</summary>
    public bool IsInside => Volatile.Read(ref since) != 0;

    public void BeginTime() => Volatile.Write(ref since, run.Time.GetTimestamp() + 1);      // a clock may begin at 0

    /// <returns>Whether it had begun.</returns>
    public bool EndTime()
    {
        long began = Volatile.Read(ref since);
        if (began == 0) return false;
        ticks += run.Time.GetTimestamp() + 1 - began;
        Volatile.Write(ref since, 0);
        return true;
    }

    /// <summary>A node has measured a part of its work. Any thread.</summary>
    public void AddMeasured(string part, long ticks)
    {
        if (guard is not null)
        {
            guard.AddMeasured(part, ticks);
            return;
        }
        Dictionary<string, long> parts = LazyInitializer.EnsureInitialized(ref measured, static () => []);
        lock (parts) parts[part] = parts.GetValueOrDefault(part) + ticks;
    }

    /// <summary>Adds what nodes have measured. Any thread.</summary>
    public void AddMeasuredTo(ref Dictionary<string, long>? sums)
    {
        if (Volatile.Read(ref measured) is not { } parts) return;
        Dictionary<string, long> sum = sums ??= [];
        lock (parts)
            foreach ((string part, long time) in parts) sum[part] = sum.GetValueOrDefault(part) + time;
    }

    /// <summary>Number of the current attempt at an item, from 1.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>The failure of user code at an item, with node and item named, ready to be thrown.</summary>
    /// <param name="cause">What user code threw.</param>
    /// <param name="item">The item.</param>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="isPartial">Whether something was put out for the item before.</param>
    public Exception Failure(Exception cause, object? item, Ticket? ticket, bool isPartial = false)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        Failed++;
        var failure = new PipelineException(run.NameOf(node), item, cause, node, isAboutItem: true);
        ticket?.Fail(failure, isPartial);
        return failure;
    }

    /// <summary>The same where it is not about an item.</summary>
    public Exception Failure(Exception cause)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        Failed++;
        return new PipelineException(run.NameOf(node), null, cause, node);
    }

    /// <summary>The same for a node that an instance does the work of beside its own, which counts for itself.</summary>
    public Exception Failure(Exception cause, object? item, Ticket? ticket, int ofNode)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        var failure = new PipelineException(run.NameOf(ofNode), item, cause, ofNode, isAboutItem: true);
        ticket?.Fail(failure);
        return failure;
    }

    /// <summary>What happens to an item at which a stage that chooses a branch has failed; other stages have a <see cref="PolicyStage{TIn, TOut}"/>.</summary>
    public ErrorPolicy OnError { get; set; }

    /// <summary>The failure of user code at an item, in a stage without attempts: <see cref="OnError"/> decides.</summary>
    /// <returns>Normally, if the item was dropped or put aside.</returns>
    public void GiveUp(Exception cause, object? item, Ticket? ticket)
    {
        if (OnError == ErrorPolicy.Stop || (cause is OperationCanceledException && run.IsStopping)) throw Failure(cause, item, ticket);
        Failed++;
        var failure = new PipelineException(run.NameOf(node), item, cause, node, isAboutItem: true);
        if (OnError == ErrorPolicy.Skip) ticket?.Settle(Outcome.Failed);
        else ticket?.Fail(failure, isFinal: true, attempts: 1);
        if (OnError == ErrorPolicy.DeadLetter && !failure.IsKept) run.AddDeadLetter(FailureText.Letter(failure, 1, run.Time.GetUtcNow()));
    }

    /// <summary>Adds up the instances of a node.</summary>
    public void AddTo(ref NodeCounts counts)
    {
        long began = Volatile.Read(ref since);
        counts.Ticks += Volatile.Read(ref ticks) + (began == 0 ? 0 : run.Time.GetTimestamp() + 1 - began);
        if (IsReported) return;
        counts.In += Volatile.Read(ref In);
        counts.Out += IsOneToOne ? Volatile.Read(ref In) - Volatile.Read(ref Failed) : Volatile.Read(ref Out);
        counts.Skipped += Volatile.Read(ref Skipped);
        counts.Failed += Volatile.Read(ref Failed);
        counts.Retried += Volatile.Read(ref Retried);
    }
}

/// <summary>The counters of a node, added up over its instances.</summary>
internal record struct NodeCounts(long In, long Out, long Skipped, long Failed, long Retried)
{
    /// <summary>Of the run's clock, where times are recorded.</summary>
    public long Ticks { get; set; }
}
