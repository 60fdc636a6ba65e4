namespace Sluice;

/// <summary>Futures of the futures that end first, second, third…: each end takes the next place.</summary>
internal sealed class EndedInOrder<T> : IDependent
{
    private readonly Place[] places;
    private int taken = -1;

    private EndedInOrder(int count)
    {
        places = new Place[count];
        for (int i = 0; i < count; i++) places[i] = new();
    }

    public static Future<Future<T>>[] Of(Future<T>[] futures)
    {
        var order = new EndedInOrder<T>(futures.Length);
        var released = new Released(here: null);
        foreach (Future<T> future in futures)
            if (!future.TryAttach(order)) order.OnEnded(future, ref released);
        released.Spread();
        return order.places;
    }

    Future? IDependent.Waiter => null;               // which place it takes is not known before

    public void OnEnded(Future dependency, ref Released released) => places[Interlocked.Increment(ref taken)].End((Future<T>)dependency, ref released);

    public void OnCancelling(Failure cancellation, ref Released released)
    {
        // it has not ended yet
    }

    /// <summary>The future that has ended in this place. Seeing it is not seeing how that future has ended.</summary>
    private sealed class Place : Future<Future<T>>
    {
        public override string Name => "each";

        internal override object? Origins => null;   // whoever awaits what it has will depend on that

        internal override void TryCancel(Failure cancellation, ref Released released)
        {
            // nobody is given it who could
        }

        public void End(Future<T> future, ref Released released)
        {
            Value = future;
            released.Ended(this);
        }
    }
}
