using Sluice.Pipelines;

namespace Sluice;

/// <summary>A node with state and timers for each key: for actions when an item does not come, or has not come for a while.</summary>
/// <remarks>
/// <para>
/// Timers fire in the order of their times, those of one moment in the order in which they were set; and in order with the items: when an
/// item comes, everything that was due before it has fired. Nothing in the node overlaps.
/// A timer that fires late, because the node was busy or the clock jumped, fires all the same, once.
/// </para>
/// <para>
/// At the end of the input timers do not fire any more; <see cref="StatefulStageNode{TIn, TOut, TState}.EndKeyAsync"/> puts out what a key
/// holds. A run that is cancelled gives them up.
/// </para>
/// <para>
/// In a consecutor timers are stored, in the commits that store the state: a crash neither loses one nor has it fire twice. The time is
/// that of the partition, which never goes back. What is due fires before an item that is leased later, and not between two items that go
/// through together. A handler that throws is tried again and becomes a dead letter as an item does, without its order. A key has 1,000
/// timers at most there.
/// </para>
/// </remarks>
/// <example><code>
/// sealed class Silent : TimedStageNode&lt;Reading, string, DateTimeOffset&gt;
/// {
///     protected override ValueTask ProcessAsync(Reading item, Output&lt;string&gt; output, CancellationToken cancellation)
///     {
///         State = item.At;
///         Timers.Set(TimeSpan.FromMinutes(5));
///         return default;
///     }
///
///     protected override ValueTask OnTimerAsync(string timer, Output&lt;string&gt; output, CancellationToken cancellation)
///         => output.PushAsync($"{Key} has been silent since {State}");
/// }
/// </code></example>
/// <typeparam name="TIn">The type of the items that go in.</typeparam>
/// <typeparam name="TOut">The type of the items that come out.</typeparam>
/// <typeparam name="TState">The type of the state of one key.</typeparam>
public abstract class TimedStageNode<TIn, TOut, TState> : StatefulStageNode<TIn, TOut, TState>, ITimers
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private KeyTimers? timers;                       // in a run whose timers end with it
    private ITimerStage? stored;                     // else

    /// <summary>The timers of the key that the node is at work on.</summary>
    protected ITimers Timers => this;

    /// <summary>A timer of a key has fired: state and key are those of the timer. May push, change the state, and set timers.</summary>
    /// <param name="timer">The name of the timer.</param>
    /// <param name="output">Where to push to; what is pushed is a root item of its own.</param>
    /// <param name="cancellation">Cancelled when the run stops.</param>
    protected abstract ValueTask OnTimerAsync(string timer, Output<TOut> output, CancellationToken cancellation);

    void ITimers.Set(TimeSpan after, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(after, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after, Longest);
        Mine.Set(Key, name, after);
    }

    bool ITimers.Cancel(string name) => Mine.Cancel(Key, name);

    bool ITimers.IsSet(string name) => Mine.IsSet(Key, name);

    internal override bool HasTimers => true;

    /// <summary>The time until the timer without a name fires; null if it is not set.</summary>
    internal TimeSpan? TimerWait => Mine.WaitOf(Key, "");

    internal override Inlet<TIn> Stage(StageContext context, Inlet<TIn> inner)
    {
        var stateful = (StatefulStage<TIn, TOut, TState>)base.Stage(context, inner);
        if (!HasTimers) return stateful;
        if (context.Run.Options.Following is { } following)
        {
            var followed = new StoredTimerStage<TIn, TOut, TState>(context, stateful, this);
            following.AddTimers(context.Node, followed);
            stored = followed;
            return followed;
        }
        var stage = new TimerStage<TIn, TOut, TState>(context, stateful, this);
        timers = stage.Timers;
        return stage;
    }

    internal override StateShape Shape => base.Shape with { HasTimers = HasTimers };

    internal override StateCells<TState> MakeCells(StatefulForm<TState> form, StateScope scope)
        => stored is null ? base.MakeCells(form, scope) : new TimedCells<TState>(form, scope, stored);

    internal ValueTask OnTimer(string timer, Output<TOut> output, CancellationToken cancellation)
        => OnTimerAsync(timer, output, cancellation);

    private INodeTimers Mine => timers ?? (INodeTimers)((TimedCells<TState>)Cells!).Timers;
}
