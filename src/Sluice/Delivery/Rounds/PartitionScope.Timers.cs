namespace Sluice.Delivery;

// The timers of nodes are rows beside their state. They fire in rounds without items.
internal sealed partial class PartitionScope
{
    private const int TimersPerRead = 256;           // rows by time in a call
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(40);

    private long number;                             // the last one assigned; stored no later than a timer that has it
    private long storedNumber;
    private long? timersDue;                         // under the lock

    private long? lastOfTurn; // the last number of the timers that fire before other work has its turn; null if those have fired

    /// <summary>Whether the due timers have fired and other work has its turn. Used under the lock of <see cref="Rounds"/>.</summary>
    public bool TimersHadTurn => TurnEndsAt is not null;

    /// <summary>The timestamp at which timers fire again if the store cannot be asked for other work; null if other work has had its turn.
    /// Used under the lock of <see cref="Rounds"/>.</summary>
    public long? TurnEndsAt { get; private set; }

    /// <summary>Ends the turn of timers or of other work. Used under the lock of <see cref="Rounds"/>.</summary>
    /// <param name="endsAt">The end of the turn of other work, if all due timers have fired.</param>
    public void EndTurn(long? endsAt)
    {
        TurnEndsAt = endsAt;
        if (endsAt is not null) lastOfTurn = null;
    }

    /// <summary>Whether timers are due, or their due times are unknown. None is due while a stage ends by several commits: a key that it has
    /// passed would get a state that does not end.</summary>
    public bool AreTimersDue(long looked)
    {
        lock (sync) return core.KeepsTimers && !ends.IsUnderWay && (!HasBegun || timersDue <= looked);
    }

    public override long NextNumber() => Interlocked.Increment(ref number);

    /// <summary>Fires due timers. Used by the pump.</summary>
    public async ValueTask FireTimersAsync(Round round, Func<Root> hold)
    {
        var turn = round.Turn = new RoundTimers(round, this, core.Recorder.NameOf, lastOfTurn ??= number);
        round.HasMoreTimers = false;
        if (ends.IsUnderWay) return;                 // found when the marks were read
        await ReadAheadAsync((stage, _) => KeysDue(stage, turn.Until, round.MaxTimers + round.MaxMoves), stopping).ConfigureAwait(false);
        foreach (object instance in Instances)
            if (instance is IHasTimers { Timers: { NextAt: { } next } timers } && next <= turn.Until) timers.Act(turn, hold());
    }

    /// <summary>Begins a timer that fires: it counts as an emission until its outcome is known.</summary>
    public (Root Root, TimerEmission Timer) BeginTimer(int node, string key, string timer)
    {
        Root root = core.Roots.Rent();
        var fired = new TimerEmission(node, core.Recorder.NameOf(node), key, timer, Interlocked.Increment(ref emitted));
        root.BeginEmission(partition, fired, core.Store.Generation);
        root.SetKey(key);
        root.Join(Round!);
        return (root, fired);
    }

    private HashSet<string>? KeysDue(IStatefulStage stage, long until, int most)
    {
        for (int i = 0; i < Instances.Count; i++)
            if (ReferenceEquals(loaded!.Remembering[i], stage) && Instances[i] is IHasTimers { Timers: var timers })
                return [.. timers.KeysDue(until).Take(most)];
        return null;
    }

    private async ValueTask BeginTimersAsync(bool isEnding, CancellationToken cancellation)
    {
        if (!core.KeepsTimers) return;
        for (int i = 0; i < Instances.Count && !isEnding; i++)           // else none fires, and they are read later
        {
            if (Instances[i] is not IHasTimers { Timers: var timers }) continue;
            string node = ITimerRows.NodeByTime(loaded!.Remembering[i].StateName);
            while (timers.MustRead)
            {
                IReadOnlyList<StateRow> page = await core.Store.ListStateAsync(core.Group, partition.Number, node, timers.ReadAfter,
                    TimersPerRead, cancellation).ConfigureAwait(false);
                Take(loaded.Remembering[i].StateName, page, isComplete: page.Count < TimersPerRead, timers.Read);
            }
        }
        TellTimers();
    }

    private void SaveTimers(IHasTimers instance, IStatefulStage stage, List<StateRow> rows)
    {
        string node = ITimerRows.NodeByKey(stage.StateName);
        instance.Timers.ByKey.Save(new ChangedRows(core.StateSerializers, stage.Node, node, rows, spare));
        instance.Timers.SaveTimes(new ChangedRows(core.StateSerializers, stage.Node, ITimerRows.NodeByTime(stage.StateName), rows, spare));
    }

    /// <summary>Publishes the due time of the next timers, between rounds.</summary>
    private void TellTimers()
    {
        if (!core.KeepsTimers) return;
        long? next = null;
        foreach (object instance in Instances)
            if (instance is IHasTimers { Timers.NextAt: { } at } && !(next <= at)) next = at;
        lock (sync) timersDue = next is { } first ? Math.Min(TimestampOf(first), AfterNow(MaxWait)) : null;
    }

    /// <summary>Returns the timestamp of a time of day. It is not computed from the remaining time, because the clock advances between two
    /// looks. Under the lock.</summary>
    private long TimestampOf(long utcTicks) => utcTicks <= origin ? start
        : start + (long)((((Int128)(utcTicks - origin) * core.Time.TimestampFrequency)
        + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);

    private long AfterNow(TimeSpan wait) => core.Time.GetTimestamp() + (long)Math.Ceiling(wait.TotalSeconds * core.Time.TimestampFrequency);
}
