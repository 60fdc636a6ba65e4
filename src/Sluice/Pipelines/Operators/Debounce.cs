namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets an item out when nothing has come behind it for a while; what it has overtaken is skipped.</summary>
    /// <remarks>
    /// <para>For what comes in bursts of which only the end result counts: keystrokes, changes of a file. A stream that never rests lets
    /// nothing out; <see cref="Sample{T}(Source{T}, TimeSpan)"/> does.</para>
    /// <para>Holds one item. The last one comes out at the end at once, and so in a drain; a run that is cancelled gives it up. An item
    /// that comes at the very moment at which the time is over counts as a new one: the one before it comes out. While what follows
    /// is busy with an item, items wait for it and are not skipped. The clock is the run's (<see cref="RunOptions.Time"/>).</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="quiet">How long nothing must come: more than zero, at most 36,500 days.</param>
    /// <returns>The last item of each burst.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public static Source<T> Debounce<T>(this Source<T> source, TimeSpan quiet) => NotNull(source).Then(new DebounceOperator<T>(Positive(quiet)));

    /// <inheritdoc cref="Debounce{T}(Source{T}, TimeSpan)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="quiet">How long nothing must come: more than zero, at most 36,500 days.</param>
    public static Pipe<TIn, T> Debounce<TIn, T>(this Pipe<TIn, T> pipe, TimeSpan quiet) => NotNull(pipe).Then(source => source.Debounce(quiet));
}

internal sealed class DebounceOperator<T>(TimeSpan quiet) : Operator<T, T>
{
    public override string Kind => "debounce";

    public override string Stateful => "remembers the last item";

    public override string? StartsAnew => null;

    public override bool IsTimed => true;

    public override Operator<T, T> StoredByKey => new StoredByKeyOperator<T, T>(this, () => new DebounceNode<T>(quiet));

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DebounceStage<T>(context, next, quiet);
}

/// <summary>The timer is not moved by every item: when it goes off too early, it is set to what is left.</summary>
internal sealed class DebounceStage<T>(StageContext context, Inlet<T> next, TimeSpan quiet) : NewestStage<T>(context, next)
{
    private TimeSpan over;

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        TimeSpan now = Now, until = over;
        over = now + quiet;
        if (!IsTimerSet) SetTimer(quiet);
        return now < until ? Replace(item, ticket) : ReleaseAndHoldAsync(item, ticket);
    }

    protected override ValueTask OnTickAsync()
    {
        if (!HasItem) return default;
        TimeSpan left = over - Now;
        if (left <= TimeSpan.Zero) return ReleaseAsync();
        SetTimer(left);
        return default;
    }
}

/// <summary>Holds the newest item, until its time has come or the end.</summary>
internal abstract class NewestStage<T>(StageContext context, Inlet<T> next) : TimedStage<T, T>(context, next)
{
    private T newest = default!;
    private Ticket? newestTicket;

    protected bool HasItem { get; private set; }

    /// <summary>The item takes the place of the one that is held.</summary>
    protected ValueTask Replace(T item, Ticket? ticket)
    {
        if (HasItem) Skip(newestTicket);
        (newest, newestTicket, HasItem) = (item, ticket, true);
        return default;
    }

    /// <summary>The one that is held comes out, if there is one.</summary>
    protected ValueTask ReleaseAsync()
    {
        if (!HasItem) return default;
        T item = newest;
        Ticket? ticket = newestTicket;
        (newest, newestTicket, HasItem) = (default!, null, false);
        return EmitAsync(item, ticket);
    }

    /// <summary>The one that is held comes out; then the item is held.</summary>
    protected ValueTask ReleaseAndHoldAsync(T item, Ticket? ticket)
    {
        ValueTask released = ReleaseAsync();
        return released.IsCompletedSuccessfully ? Replace(item, ticket) : HoldLaterAsync(released, item, ticket);
    }

    protected override ValueTask OnEndAsync() => ReleaseAsync();

    private async ValueTask HoldLaterAsync(ValueTask released, T item, Ticket? ticket)
    {
        await released;
        _ = Replace(item, ticket);
    }
}
