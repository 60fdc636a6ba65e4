namespace Sluice.Graphs;

/// <summary>A future that is computed from another one, without running a step.</summary>
/// <param name="source">The other future.</param>
/// <param name="heedsCancelling">Whether a cancellation of the running source ends it at once.</param>
internal abstract class DerivedFuture<T>(Future source, bool heedsCancelling) : Future<T>, IDependent
{
    private readonly Future source = source;
    private int claimed;                             // the thread that sets it ends the future

    public override string Name => source.Name;

    internal sealed override object? Origins => source.Origins;

    internal override bool HoldsOutcomes => source.HoldsOutcomes;

    internal sealed override bool MayWait => source is not ICall || source.MayWait;

    private protected sealed override ReadOnlySpan<Future> SeenWithIt => Failure is null ? new(in source) : default;

    bool IDependent.IsOver => Volatile.Read(ref claimed) != 0;

    internal sealed override void TryCancel(Failure cancellation, ref ReadyList released) => TryEnd(cancellation, ref released);

    /// <summary>Attaches to the source; called once, after the constructor.</summary>
    protected void Begin()
    {
        var released = new ReadyList(here: null);
        if (!source.TryAttach(this)) OnEnded(source, ref released);
        else if (source.Cancelling is { } cancellation) OnCancelling(cancellation, ref released);
        released.Spread();
    }

    /// <summary>Computes the outcome from the ended source.</summary>
    protected abstract Failure? Take(out T? value);

    public void OnEnded(Future dependency, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = Take(out T? value);
        Value = value;
        released.Ended(this);
    }

    public void OnCancelling(Failure cancellation, ref ReadyList released)
    {
        if (heedsCancelling) TryEnd(cancellation, ref released);
    }

    private void TryEnd(Failure failure, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = failure;
        released.Ended(this);
        source.Abandon();
    }
}

/// <summary>The value of a future as a base type.</summary>
internal sealed class CastFuture<T, TBase> : DerivedFuture<TBase>
{
    private readonly Future<T> source;

    public CastFuture(Future<T> source) : base(source, heedsCancelling: true)
    {
        this.source = source;
        Begin();
    }

    protected override Failure? Take(out TBase? value)
    {
        value = source.Failure is null ? (TBase?)(object?)source.Value : default;
        return source.Failure;
    }
}

/// <summary>The outcome of a future as a value.</summary>
internal sealed class SettledFuture<T> : DerivedFuture<Settled<T>>
{
    private readonly Future<T> source;

    public SettledFuture(Future<T> source) : base(source, heedsCancelling: false)
    {
        this.source = source;
        Begin();
    }

    internal override bool HoldsOutcomes => true;

    protected override Failure? Take(out Settled<T> value)
    {
        value = new(source.Value, source.Failure);
        return null;
    }
}
