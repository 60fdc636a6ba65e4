namespace Sluice.Graphs;

/// <summary>A future that ends like the first of several to end.</summary>
internal sealed class FirstFuture<T> : Future<T>, IDependent
{
    private readonly Future<T>[] sources;
    private readonly object? origins;
    private readonly bool holdsOutcomes;
    private Future? winner;
    private int claimed;                             // the thread that sets it ends the future

    public FirstFuture(Future<T>[] sources)
    {
        this.sources = sources;
        origins = Sluice.Graphs.Origins.Of(sources);
        holdsOutcomes = Array.Exists(sources, static source => source.HoldsOutcomes);
        var released = new ReadyList(here: null);
        foreach (Future<T> source in sources)
        {
            if (Volatile.Read(ref claimed) != 0) break;
            if (!source.TryAttach(this)) OnEnded(source, ref released);
        }
        released.Spread();
    }

    public override string Name => "any";

    internal override object? Origins => origins;

    internal override bool HoldsOutcomes => holdsOutcomes;

    private protected override ReadOnlySpan<Future> SeenWithIt => winner is null ? default : new(in winner);

    bool IDependent.IsOver => Volatile.Read(ref claimed) != 0;

    // Any other source may end it, so it need not wait for a certain one.
    Future? IDependent.Waiter => sources.Length == 1 ? this : null;

    internal override void TryCancel(Failure cancellation, ref ReadyList released) => TryEnd(null, cancellation, ref released);

    public void OnEnded(Future dependency, ref ReadyList released) => TryEnd((Future<T>)dependency, dependency.Failure, ref released);

    public void OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // The source has not ended yet.
    }

    private void TryEnd(Future<T>? source, Failure? failure, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        winner = source;
        Failure = failure;
        if (failure is null) Value = source!.Value;
        released.Ended(this);
        foreach (Future<T> other in sources) other.Abandon();
    }
}
