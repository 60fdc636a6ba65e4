using Sluice.Policies;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Fails the run, or ends the stream, when no item comes for too long.</summary>
    /// <remarks>
    /// <para>The time runs from the start of the run to the first item, from each item to the next, and to the end. What counts is when
    /// items come: while what follows is busy with one, the time stands still. Behind <see cref="Stage.KeyBy"/> each key has a time of its
    /// own, from its first item on. It stands still for all keys while items wait for an item of another key, so under a load that what
    /// follows does not bear a silent key is noticed late. Time for which another branch holds up the source does count.</para>
    /// <para>The failure is a <see cref="PipelineException"/> that names the node and has a <see cref="TimeoutException"/> inside. When the
    /// stream is to end instead, its sources are told to stop, what they still bring is skipped, and what follows sees the end as soon
    /// as they have stopped; everything that came before is processed. To limit the work on one item, annotate the stage that does it with
    /// <see cref="Stage.Timeout"/>.</para>
    /// <para>Holds nothing. The clock is the run's (<see cref="RunOptions.Time"/>).</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="within">The longest time without an item: more than zero, at most 36,500 days.</param>
    /// <param name="end">True: the stream ends. False: the run fails.</param>
    /// <returns>The same items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Timeout<T>(this Source<T> source, TimeSpan within, bool end = false)
        => NotNull(source).Then(new TimeoutOperator<T>(Positive(within), end));
}

internal sealed class TimeoutOperator<T>(TimeSpan within, bool end) : TimedOperator<T>
{
    public override string Kind => "timeout";

    public override string Stateful => "remembers when the last item came";

    public override bool CountsOpenTime => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new TimeoutStage<T>(context, next, within, end);
}

/// <summary>Items do not move the timer: if it fires too early, it is set to the rest of the time.</summary>
internal sealed class TimeoutStage<T> : TimedStage<T, T>
{
    private readonly TimeSpan within;
    private readonly bool end;
    private readonly bool isByKey;
    private readonly object? key;
    private TimeSpan over;
    private bool hasEnded;

    public TimeoutStage(StageContext context, Inlet<T> next, TimeSpan within, bool end) : base(context, next)
    {
        (this.within, this.end) = (within, end);
        (isByKey, key) = (context.KeyClock is not null, context.PresentKey?.Invoke());
        if (!isByKey) context.Run.OnStart.Add(Begin);
        else Begin();                                // with the first item of its key
    }

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        if (hasEnded) return LeaveOut(ticket);
        TimeSpan began = isByKey ? OpenTime : default;
        ValueTask pushed = EmitAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return CountLaterAsync(pushed, began);
        Count(began);
        return default;
    }

    protected override ValueTask OnTickAsync()
    {
        TimeSpan left = over - OpenTime;
        if (left > TimeSpan.Zero)
        {
            SetTimer(left);
            return default;
        }
        if (!end) throw Failure();
        hasEnded = true;
        Upstream?.Stop();
        return default;
    }

    private void Begin()
    {
        over = OpenTime + within;
        SetTimer(within);
    }

    // What follows was busy with an item: behind a KeyBy, items of the other keys of the lane may have waited for it.
    private void Count(TimeSpan began)
    {
        if (isByKey) AddWait(began);
        over = (isByKey ? began : OpenTime) + within;
    }

    private async ValueTask CountLaterAsync(ValueTask pushed, TimeSpan began)
    {
        await pushed;
        Count(began);
    }

    // No item has failed: it is not counted as one.
    private PipelineException Failure()
    {
        string behind = isByKey ? $"no further item of the key '{ItemText.Of(key)}' came"
            : Context.In == 0 ? "the first item did not come" : $"no item came behind the {Context.In} before";
        return new(Context.Run.NameOf(Node), null, new TimeoutException($"{behind} within {DurationText.Of(within)}."), Node);
    }
}
