using Sluice.Engine;
using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets the last item of a burst out, when no other item has come for a while; the earlier items of the burst are
    /// skipped.</summary>
    /// <remarks><para>For bursts of which only the end result counts: keystrokes, changes of a file. A stream that never rests puts out no
    /// item; use <see cref="Sample{T}(Source{T}, TimeSpan)"/> instead.</para>
    /// <para>Holds one item. At the end and in a drain, the held item comes out at once; a run that is cancelled drops it. An item that
    /// comes at the exact moment of expiry is a new one: the item before it comes out. While the next stage is busy with an item, items
    /// wait for it and are not skipped. The clock is that of the run (<see cref="RunOptions.Time"/>).</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="quiet">The time without items after which the last one comes out: more than zero, at most 36,500 days.</param>
    /// <returns>The last item of each burst.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Debounce<T>(this Source<T> source, TimeSpan quiet)
        => NotNull(source).Then(new DebounceOperator<T>(Positive(quiet)));
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

/// <summary>Items do not move the timer: if it fires too early, it is set to the rest of the time.</summary>
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

/// <summary>Holds the newest item until its time has come, or the end.</summary>
internal abstract class NewestStage<T>(StageContext context, Inlet<T> next) : TimedStage<T, T>(context, next)
{
    private T newest = default!;
    private Ticket? newestTicket;

    protected bool HasItem { get; private set; }

    /// <summary>Replaces the held item.</summary>
    protected ValueTask Replace(T item, Ticket? ticket)
    {
        if (HasItem) Skip(newestTicket);
        (newest, newestTicket, HasItem) = (item, ticket, true);
        return default;
    }

    /// <summary>Puts out the held item, if there is one.</summary>
    protected ValueTask ReleaseAsync()
    {
        if (!HasItem) return default;
        T item = newest;
        Ticket? ticket = newestTicket;
        (newest, newestTicket, HasItem) = (default!, null, false);
        return EmitAsync(item, ticket);
    }

    /// <summary>Puts out the held item; then holds the new one.</summary>
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
