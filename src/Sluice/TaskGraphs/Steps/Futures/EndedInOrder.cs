namespace Sluice;

/// <summary>Futures of the futures that end first, second, third…: each end takes the next place.</summary>
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

    /// <summary>The first to end, the second, and so on.</summary>
    public IReadOnlyList<Future<Future<T>>> Places => places;

    bool IDependent.IsOver => isLeft;

    Future? IDependent.Waiter => null;               // which place it takes is not known before

    /// <summary>Nobody looks at the places any more: the futures that have not ended let go of them.</summary>
    public void Leave()
    {
        isLeft = true;
        foreach (Future<T> future in futures) future.Abandon();
    }

    public void OnEnded(Future dependency, ref ReadyList released) => places[Interlocked.Increment(ref taken)].End((Future<T>)dependency, ref released);

    public void OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // it has not ended yet
    }

    /// <summary>The future that has ended in this place. Seeing it is not seeing how that future has ended.</summary>
    private sealed class Place : Future<Future<T>>
    {
        public override string Name => "each";

        internal override object? Origins => null;   // whoever awaits what it has will depend on that

        internal override void TryCancel(Failure cancellation, ref ReadyList released)
        {
            // nobody is given it who could
        }

        public void End(Future<T> future, ref ReadyList released)
        {
            Value = future;
            released.Ended(this);
        }
    }
}
