using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The context of a stage instance: its run, its node, and its counters.</summary>
/// <remarks>One per instance, that is, per run and lane. The island that runs the instance writes it; snapshots read it.</remarks>
internal sealed class StageContext(PipelineRun run, int node, StageContext? guard = null) : IChained<StageContext>
{
    public long In;
    public long Out;
    public long Skipped;
    public long Failed;
    public long Retried;

    private CancellationToken attempt;
    private volatile bool suspended;
    // What few instances need is apart: a run of one item is mostly the memory of its parts.
    private StagePlace? place;
    private StageCall? call;
    private Dictionary<string, long>? measured;      // under its lock
    private AbandonedItem? abandoned;
    private StageContext? present;

    public PipelineRun Run => run;

    public int Node => node;

    /// <summary>The token for user code: the run's, or the current attempt's if the stage has a timeout.</summary>
    public CancellationToken Token
    {
        get => attempt.CanBeCanceled ? attempt : attempt = run.Token;
        set => attempt = value;
    }

    /// <summary>
    /// The ticket of the current item, for a stage inside a <see cref="PolicyStage{TIn, TOut}"/>, which gets none itself.
    /// </summary>
    public Ticket? Ticket { get; set; }

    /// <summary>The current call of a user's function that may add functions for the commit of its item. Made by the first.</summary>
    public StageCall Call => call ??= new(this);

    /// <summary>Adds a function for the commit of the current item. Any thread.</summary>
    /// <returns>False if the call has ended.</returns>
    public bool TryAdd(TransactionWork added, long to) => to != 0 && call?.TryAdd(added, to) == true;

    /// <summary>Hands over what an ended call has added for the commit of its item.</summary>
    public void HandOver(Ticket ticket) => call?.HandOver(ticket);

    /// <summary>Lets go of an attempt that is not awaited any more: its code may go on, and its item's ticket will be another item's.
    /// It still knows its item, and adds nothing.</summary>
    public void Abandon()
    {
        var item = new ItemContext(this, Ticket);
        Volatile.Write(ref abandoned, new(item.Id, item.Attempt));
        call?.End(In, null, hasFailed: true);
        Ticket = null;
    }

    /// <summary>The item of an attempt that was abandoned; null if it was not.</summary>
    public AbandonedItem? Abandoned => Volatile.Read(ref abandoned);

    /// <summary>The partition that a stateful instance is made for; null in runs without partitions.</summary>
    public StateScope? Scope
    {
        get => place?.Scope;
        set => Place.Scope = value;
    }

    /// <summary>In lanes by key: the function that turns an item's key into text.</summary>
    public Delegate? KeyOf
    {
        get => place?.KeyOf;
        set => Place.KeyOf = value;
    }

    /// <summary>In lanes by key of a run with stored timers: whether a key belongs to this lane; null if there is one lane.</summary>
    public Func<string, bool>? OwnsKey
    {
        get => place?.OwnsKey;
        set => Place.OwnsKey = value;
    }

    /// <summary>The clock that the instances of all keys share; null if the stage has no instance for each key.</summary>
    public KeyClock? KeyClock
    {
        get => place?.KeyClock;
        set => Place.KeyClock = value;
    }

    /// <summary>Returns the key whose instance is being made or ended; null if the stage has no instance for each key.</summary>
    public Func<object?>? PresentKey
    {
        get => place?.PresentKey;
        set => Place.PresentKey = value;
    }

    /// <summary>The waits of the router in front of the lanes; null if the stage has one lane or does not count them.</summary>
    public LaneWaits? LaneWaits
    {
        get => place?.LaneWaits;
        set => Place.LaneWaits = value;
    }

    /// <summary>The gate that the instances of a timed stage share; null if there is one instance.</summary>
    public Gate? Gate
    {
        get => place?.Gate;
        set => Place.Gate = value;
    }

    private StagePlace Place => place ??= new();

    /// <summary>Set for a synchronous stage that puts out one item for each one taken, except failures: saves a counter.</summary>
    public bool IsOneToOne { get; set; }

    /// <summary>The stage that also counts for other nodes; called after all contexts have been added up.</summary>
    public IReportsCounts? Reporter { get; set; }

    /// <summary>Set when a <see cref="Reporter"/> counts for this node, too.</summary>
    public bool IsReported { get; set; }

    StageContext? IChained<StageContext>.Before { get; set; }

    /// <summary>
    /// Whether awaited user code has not returned, here or in the present attempt; used to name nodes that do not stop. Any thread.
    /// </summary>
    public bool IsSuspended
    {
        get => suspended || Volatile.Read(ref present) is { suspended: true };
        set => suspended = value;
    }

    /// <summary>
    /// Sets the context of the present attempt, for a stage with attempts. What an abandoned attempt does is not this stage's.
    /// </summary>
    public StageContext Present
    {
        set => Volatile.Write(ref present, value);
    }

    /// <summary>The times of the instance; null if the node's time is not recorded. Set while the run is built.</summary>
    public StageTimes? Times { get; set; }

    /// <summary>The span of the traced item that is inside now; null if there is none.</summary>
    public NodeSpan? Span { get; set; }

    /// <summary>Adds the time of a part of a node's work, measured by the node. Any thread.</summary>
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

    /// <summary>Adds the measured parts to the sums of the node. Any thread.</summary>
    public void AddMeasuredTo(ref Dictionary<string, long>? sums)
    {
        if (Volatile.Read(ref measured) is not { } parts) return;
        Dictionary<string, long> sum = sums ??= [];
        lock (parts)
            foreach ((string part, long time) in parts) sum[part] = sum.GetValueOrDefault(part) + time;
    }

    /// <summary>The number of the current attempt at an item, from 1.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>Creates the exception for a failure of user code, with node and item, and tells the ticket.</summary>
    /// <param name="cause">The exception of user code.</param>
    /// <param name="item">The item.</param>
    /// <param name="ticket">The item's ticket.</param>
    /// <param name="isPartial">Whether the stage has already put something out for the item.</param>
    public Exception Failure(Exception cause, object? item, Ticket? ticket, bool isPartial = false)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        Failed++;
        var failure = new PipelineException(run.NameOf(node), item, cause, node, isAboutItem: true);
        ticket?.Fail(failure, isPartial);
        return failure;
    }

    /// <summary>Creates the exception for a failure that is not about an item.</summary>
    /// <param name="cause">The exception.</param>
    /// <param name="endsRun">Whether the run fails, whatever the policy of the node.</param>
    public Exception Failure(Exception cause, bool endsRun = false)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        Failed++;
        return new PipelineException(run.NameOf(node), null, cause, node) { EndsRun = endsRun };
    }

    /// <summary>Creates the exception for a failure at the end of the input. The message names the key if each key has an
    /// instance.</summary>
    public Exception FailureAtEnd(Exception cause)
        => PresentKey is { } key ? Failure(cause, $"the end of the key '{ItemText.Of(key())}'", ticket: null) : Failure(cause);

    /// <summary>
    /// Creates the exception for another node whose work this instance also does; the instance counts for that node itself.
    /// </summary>
    public Exception Failure(Exception cause, object? item, Ticket? ticket, int ofNode)
    {
        if (cause is OperationCanceledException && run.IsStopping) return new RunStoppedException();
        var failure = new PipelineException(run.NameOf(ofNode), item, cause, ofNode, isAboutItem: true);
        ticket?.Fail(failure);
        return failure;
    }

    /// <summary>The error policy of a stage that chooses a branch; other stages have a <see cref="PolicyStage{TIn, TOut}"/>.</summary>
    public ErrorPolicy OnError { get; set; }

    /// <summary>Applies <see cref="OnError"/> to a failure of user code, in a stage without attempts.</summary>
    /// <remarks>Returns if the item was dropped or is a dead letter now; throws otherwise.</remarks>
    public void GiveUp(Exception cause, object? item, Ticket? ticket)
    {
        if (OnError == ErrorPolicy.Stop || (cause is OperationCanceledException && run.IsStopping)) throw Failure(cause, item, ticket);
        Failed++;
        var failure = new PipelineException(run.NameOf(node), item, cause, node, isAboutItem: true);
        if (OnError == ErrorPolicy.Skip) ticket?.Settle(Outcome.Failed);
        else ticket?.Fail(failure, isFinal: true, attempts: 1);
        if (OnError == ErrorPolicy.DeadLetter && !failure.IsKept) run.AddDeadLetter(FailureText.Letter(failure, 1, run.Time.GetUtcNow()));
    }

    /// <summary>Counts this instance if it has an item, and finds the item that has been inside the longest. Any thread.</summary>
    /// <param name="busy">The number of instances of the node that have an item.</param>
    /// <param name="oldest">When the oldest item entered, plus 1; 0 if that is not known.</param>
    public void AddBusyTo(ref int busy, ref long oldest)
    {
        long began = Times?.Began ?? 0;
        if (began != 0 || IsSuspended) busy++;
        if (began != 0 && (oldest == 0 || began < oldest)) oldest = began;
    }

    /// <summary>Adds this instance's counters to the sums of its node.</summary>
    public void AddTo(ref NodeCounts counts)
    {
        counts.Ticks += Times?.SoFar ?? 0;
        if (IsReported) return;
        counts.In += Volatile.Read(ref In);
        counts.Out += IsOneToOne ? Volatile.Read(ref In) - Volatile.Read(ref Failed) : Volatile.Read(ref Out);
        counts.Skipped += Volatile.Read(ref Skipped);
        counts.Failed += Volatile.Read(ref Failed);
        counts.Retried += Volatile.Read(ref Retried);
    }
}

/// <summary>The counters of a node, summed over its instances.</summary>
internal record struct NodeCounts(long In, long Out, long Skipped, long Failed, long Retried)
{
    /// <summary>The time of the node in ticks of the run's clock, if times are recorded.</summary>
    public long Ticks { get; set; }
}
