namespace Sluice.Graphs;

/// <summary>A future that ends when several others have ended, or when the first of them has failed.</summary>
/// <param name="sources">The others.</param>
/// <param name="evenIfFailed">Whether it waits for all of them, and does not fail.</param>
internal abstract class JoinFuture<T>(Future[] sources, bool evenIfFailed) : Future<T>, IDependent
{
    private int waiting = 1;                         // the sources that have not ended, plus one for the begin
    private int claimed;                             // the thread that sets it ends the future
    private bool holdsOutcomes;
    private object? origins;

    public override string Name => "all";

    internal sealed override object? Origins => origins;

    internal sealed override bool HoldsOutcomes => holdsOutcomes;

    internal sealed override bool MayWait => Array.Exists(sources, static source => !source.IsCompleted
        && (source is not ICall || source.MayWait));

    // After a failure also sources that have not ended: a consumer of the join knows that it has failed.
    private protected sealed override ReadOnlySpan<Future> SeenWithIt => Failure is not null || holdsOutcomes ? sources : default;

    bool IDependent.IsOver => Volatile.Read(ref claimed) != 0;

    internal sealed override void TryCancel(Failure cancellation, ref ReadyList released) => TryEnd(cancellation, ref released);

    /// <summary>Attaches to the sources; called once, after the constructor.</summary>
    protected void Begin()
    {
        var released = new ReadyList(here: null);
        origins = Sluice.Graphs.Origins.Of(sources);
        Failure? earliest = null;
        foreach (Future source in sources)
        {
            Interlocked.Increment(ref waiting);
            holdsOutcomes |= HasValues && source.HoldsOutcomes;
            if (source.TryAttach(this))
            {
                if (!evenIfFailed && source.Cancelling is { } cancellation) TryEnd(cancellation, ref released);
                continue;
            }
            if (!evenIfFailed) earliest = Failure.Earlier(earliest, source.Failure);
            Interlocked.Decrement(ref waiting);
        }
        if (earliest is not null) TryEnd(earliest, ref released);
        CountDown(ref released);
        released.Spread();
    }

    /// <summary>Whether its value has the values of the sources.</summary>
    protected virtual bool HasValues => true;

    /// <summary>Makes the value, once all have ended.</summary>
    protected abstract T Take();

    public void OnEnded(Future dependency, ref ReadyList released)
    {
        if (!evenIfFailed && dependency.Failure is { } failure) TryEnd(failure, ref released);
        else CountDown(ref released);
    }

    public void OnCancelling(Failure cancellation, ref ReadyList released)
    {
        if (!evenIfFailed) TryEnd(cancellation, ref released);
    }

    private void CountDown(ref ReadyList released)
    {
        if (Interlocked.Decrement(ref waiting) != 0 || Interlocked.Exchange(ref claimed, 1) != 0) return;
        Value = Take();
        released.Ended(this);
    }

    private void TryEnd(Failure failure, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = failure;
        released.Ended(this);
        foreach (Future source in sources) source.Abandon();
    }
}

/// <summary>The values of all sources, in order.</summary>
internal sealed class ValuesFuture<T> : JoinFuture<T[]>
{
    private readonly Future<T>[] sources;

    public ValuesFuture(Future<T>[] sources) : base(sources, evenIfFailed: false)
    {
        this.sources = sources;
        Begin();
    }

    protected override T[] Take() => Array.ConvertAll(sources, source => source.Value!);
}

/// <summary>The end of all sources.</summary>
internal sealed class EndFuture : JoinFuture<Unit>
{
    public EndFuture(Future[] sources, bool evenIfFailed) : base(sources, evenIfFailed) => Begin();

    protected override bool HasValues => false;

    protected override Unit Take() => default;
}
