namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Delays every item by a fixed time, and keeps the order.</summary>
    /// <remarks><para>The time starts when the item comes, also while the item waits because <paramref name="maxHeld"/> items are held. If
    /// the next stage is slow, items come out later.</para>
    /// <para>At the end and in a drain, held items still come out, each at its time; a run that is cancelled drops them. When the clock
    /// (<see cref="RunOptions.Time"/>) jumps, all items that are due come out at once.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="by">The delay: more than zero, at most 36,500 days.</param>
    /// <param name="maxHeld">The number of items held, 1 or more; if that many are held, the source waits.</param>
    /// <returns>The same items, later.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Delay<T>(this Source<T> source, TimeSpan by, int maxHeld = 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        return NotNull(source).Then(new DelayOperator<T>(Positive(by), maxHeld));
    }
}

internal sealed class DelayOperator<T>(TimeSpan by, int maxHeld) : TimedOperator<T>
{
    public override string Kind => "delay";

    public override string Stateful => "holds items back";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DelayStage<T>(context, next, by, maxHeld);
}

/// <summary>A queue in the order of due times. Held items are still pending root items.</summary>
internal sealed class DelayStage<T>(StageContext context, Inlet<T> next, TimeSpan by, int maxHeld) : TimedStage<T, T>(context, next)
{
    private readonly Queue<(TimeSpan Due, T Item, Ticket? Ticket)> held = new();

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        TimeSpan due = Now + by;
        if (held.Count >= maxHeld) return HoldLaterAsync(due, item, ticket);
        held.Enqueue((due, item, ticket));
        if (!IsTimerSet) SetTimer(by);
        return default;
    }

    protected override async ValueTask OnTickAsync()
    {
        await ReleaseAsync();
        SignalChange();
    }

    protected override async ValueTask OnEndAsync()
    {
        while (held.Count > 0) await WaitForChangeAsync();
    }

    private async ValueTask HoldLaterAsync(TimeSpan due, T item, Ticket? ticket)
    {
        while (held.Count >= maxHeld) await WaitForChangeAsync();
        held.Enqueue((due, item, ticket));
        await ReleaseAsync();                        // it may have been due while it waited
    }

    private async ValueTask ReleaseAsync()
    {
        while (held.TryPeek(out var first))
        {
            TimeSpan left = first.Due - Now;
            if (left > TimeSpan.Zero)
            {
                SetTimer(left);
                return;
            }
            Context.Run.ThrowIfStopping();
            held.Dequeue();
            await EmitAsync(first.Item, first.Ticket);
        }
    }
}
