namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets every item out a while after it came, in order.</summary>
    /// <remarks>
    /// <para>The time counts from when the item came, also while it waited because as many as allowed were held. While what follows is
    /// slow, items come out later than that.</para>
    /// <para>At the end and in a drain, the items that are held still come out, each at its time; a run that is cancelled gives them up.
    /// When the clock (<see cref="RunOptions.Time"/>) jumps, everything that has become due comes out at once.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="by">How much later: more than zero, at most 36,500 days.</param>
    /// <param name="maxHeld">How many are held, 1 or more; when that many are, whoever produces them waits.</param>
    /// <returns>The same items, later.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time or the number is out of range.</exception>
    public static Source<T> Delay<T>(this Source<T> source, TimeSpan by, int maxHeld = 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        return NotNull(source).Then(new DelayOperator<T>(Positive(by), maxHeld));
    }

    /// <inheritdoc cref="Delay{T}(Source{T}, TimeSpan, int)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="by">How much later: more than zero, at most 36,500 days.</param>
    /// <param name="maxHeld">How many are held, 1 or more; when that many are, whoever produces them waits.</param>
    public static Pipe<TIn, T> Delay<TIn, T>(this Pipe<TIn, T> pipe, TimeSpan by, int maxHeld = 1024)
        => NotNull(pipe).Then(source => source.Delay(by, maxHeld));
}

internal sealed class DelayOperator<T>(TimeSpan by, int maxHeld) : Operator<T, T>
{
    public override string Kind => "delay";

    public override string Stateful => "holds items back";

    public override string? StartsAnew => null;

    public override bool IsTimed => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DelayStage<T>(context, next, by, maxHeld);
}

/// <summary>A queue in the order of the times at which the items are due. Held items are still pending roots.</summary>
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
            held.Dequeue();
            await EmitAsync(first.Item, first.Ticket);
        }
    }
}
