namespace Sluice.Graphs;

/// <summary>The futures of a set in the order in which they end: each end fills the next place.</summary>
internal sealed class EndedInOrder<T> : IDependent
{
    private readonly Future<T>[] futures;
    private readonly Place[] places;
    private int taken = -1;
    private volatile bool isLeft;

    public EndedInOrder(Future<T>[] futures)
    {
        this.futures = futures;
        places = new Place[futures.Length];
        for (int i = 0; i < places.Length; i++) places[i] = new();
        var released = new ReadyList(here: null);
        foreach (Future<T> future in futures)
            if (!future.TryAttach(this)) OnEnded(future, ref released);
        released.Spread();
    }

    /// <summary>The future that ends first, second, and so on.</summary>
    public IReadOnlyList<Future<Future<T>>> Places => places;

    bool IDependent.IsOver => isLeft;

    Future? IDependent.Waiter => null;               // its place is not known before it ends

    /// <summary>Stops waiting: futures that have not ended release this object.</summary>
    public void Leave()
    {
        isLeft = true;
        foreach (Future<T> future in futures) future.Abandon();
    }

    public void OnEnded(Future dependency, ref ReadyList released)
        => places[Interlocked.Increment(ref taken)].End((Future<T>)dependency, ref released);

    public void OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // The future has not ended yet.
    }

    /// <summary>The future that ends in this place. Observing the place does not observe that future's failure.</summary>
    private sealed class Place : Future<Future<T>>
    {
        public override string Name => "each";

        internal override object? Origins => null;   // an await of the value depends on that future itself

        internal override void TryCancel(Failure cancellation, ref ReadyList released)
        {
            // The place is never given out, so it cannot be cancelled.
        }

        public void End(Future<T> future, ref ReadyList released)
        {
            Value = future;
            released.Ended(this);
        }
    }
}
