using Sluice.Diagnostics;

namespace Sluice.Producers;

/// <summary>
/// Fires at the ticks of a schedule. In front of a consecutor one firing is in flight at a time: before the next one begins, its items are
/// accepted and the end of the tick is stored. So the stored position never goes back behind a tick that fired, although the clock may.
/// </summary>
/// <remarks>
/// It holds each item until the function says whether another follows. So the append that accepts the last item can store the end of the
/// tick.
/// </remarks>
internal sealed class TickPump<T>(StageContext context, Inlet<T> next, TickProducer<T> producer)
    : SourcePump<T>(context, next), IResumablePump
{
    // Clocks are set, and computers sleep: a wait for a time of day checks the clock now and then.
    private static readonly TimeSpan MaxSleep = TimeSpan.FromMinutes(1);

    // A clock that is behind by more than this was not set back on purpose: it was wrong before, or is wrong now.
    private static readonly TimeSpan FarAhead = TimeSpan.FromDays(1);

    private readonly uint schedule = producer.ScheduleSum(context.Run.Time);
    private Func<ReadOnlyMemory<byte>, Task>? markAsync;
    private TickPosition? stored;
    private TickPosition told;                       // the last position given to an append, or stored by a mark
    private volatile Firing? firing;
    private long emitted;
    private bool hasHeld;
    private T held = default!;                       // the latest item, until the function says whether another follows
    private int open;                                // items that have not ended

    public string Name => producer.Name;

    string IResumablePump.Kind => producer.PositionKind;

    public void MarkWith(Func<ReadOnlyMemory<byte>, Task> mark) => markAsync = mark;

    public override Action? ItemEnded => OnItemEnded;

    public void Resume(ReadOnlyMemory<byte> position) => stored = TickPosition.Read(position, Name);

    public ReadOnlyMemory<byte> PositionBefore(long sequence) => Tell(firing!.Before(sequence));

    public ReadOnlyMemory<byte>? PositionBehind(long sequence) => Tell(firing!.Behind(sequence));

    protected override async ValueTask ProduceAsync()
    {
        TickTimes times = producer.Times(Run.Time);
        DateTimeOffset last = await BeginAsync();
        if (stored is { IsOver: false } begun && !IsStopped) await FireAsync(last, begun.Items, begun.Schedule, isBegun: true);
        if (IsChanged && !IsStopped && !HasCut) last = await PassPastTicksAsync(last);
        bool isFirst = true, hasFired = false;
        while (!IsStopped)
        {
            DateTimeOffset soughtAt = Run.Time.GetUtcNow();
            if (last > soughtAt && !hasFired && stored is null) last = await BeginAsync();     // the clock was set back since the start
            if (last - soughtAt > FarAhead)
            {
                if (markAsync is null) last = soughtAt;      // nothing is remembered
                else Run.WarnOnce(Node, _ => WhyNothingComes(last, soughtAt));         // it goes on if the clock was wrong for a moment
            }
            if (Sought(times, last, soughtAt) is not { } tick)
            {
                if (isFirst) throw Failure(new InvalidOperationException($"{producer.Schedule} has no time in the future."));
                return;
            }
            isFirst = false;
            DateTimeOffset due = tick + (Run.Random.NextDouble() * producer.Options.MaxJitter);
            if (!await WaitAsync(due, soughtAt)) continue;
            await FireAsync(tick, 0, schedule, isBegun: false);
            (last, hasFired) = (tick, true);
        }
    }

    /// <returns>Whether the time has come. False if the run stops, or the clock was set back since the tick was sought: then an earlier
    /// tick may be the next one.</returns>
    private async ValueTask<bool> WaitAsync(DateTimeOffset due, DateTimeOffset soughtAt)
    {
        while (!IsStopped)
        {
            DateTimeOffset now = Run.Time.GetUtcNow();
            if (due <= now) return true;
            if (now < soughtAt) return false;
            await SleepAsync(due - now < MaxSleep ? due - now : MaxSleep);
        }
        return false;
    }

    private DateTimeOffset? Sought(TickTimes times, DateTimeOffset last, DateTimeOffset now)
    {
        try
        {
            return times.After(last, now);
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <returns>The tick up to which nothing fires.</returns>
    private async ValueTask<DateTimeOffset> BeginAsync()
    {
        DateTimeOffset now = Run.Time.GetUtcNow();
        if (stored is { } position)
        {
            var last = new DateTimeOffset(position.Tick, TimeSpan.Zero);
            if (last - now <= FarAhead) return last;
            throw Failure(new InvalidOperationException(WhyNothingComes(last, now)));
        }
        // From here on, missed ticks are known.
        if (markAsync is not null) await StoreAsync(new(now.UtcTicks, TickPosition.All, schedule));
        return now;
    }

    private string WhyNothingComes(DateTimeOffset last, DateTimeOffset now)
        => $"The producer '{Name}' has fired up to {last:yyyy-MM-dd HH:mm:ss}Z, and the clock shows {now:yyyy-MM-dd HH:mm:ss}Z: a tick "
        + "that fired does not fire again, so nothing would come until then. "
        + "Set the clock right; or give the producer another name, to begin anew.";

    /// <summary>Whether missed ticks fire, and the last one was found by another schedule.</summary>
    private bool IsChanged => markAsync is not null && producer.Options.Missed == MissedTickPolicy.CatchUp
        && stored is { Schedule: not 0 } position && position.Schedule != schedule && position.Schedule != producer.FormerSum(Run.Time);

    /// <summary>Leaves out the ticks that the present schedule has in the past: no run could have fired them.</summary>
    /// <returns>The tick up to which nothing fires.</returns>
    private async ValueTask<DateTimeOffset> PassPastTicksAsync(DateTimeOffset last)
    {
        DateTimeOffset now = Run.Time.GetUtcNow();
        Run.Warn($"{producer.Schedule} is another one than before: its ticks fire from now on, and no tick before "
            + $"{now:yyyy-MM-dd HH:mm:ss}Z counts as missed.");
        if (now > last) last = now;
        await StoreAsync(new(last.UtcTicks, TickPosition.All, schedule));
        return last;
    }

    /// <param name="tick">The tick.</param>
    /// <param name="accepted">The number of its items that were accepted before.</param>
    /// <param name="by">The checksum of the schedule by which the tick was found.</param>
    /// <param name="isBegun">Whether an earlier run has begun with it.</param>
    private async ValueTask FireAsync(DateTimeOffset tick, long accepted, uint by, bool isBegun)
    {
        Firing current = firing = new(tick.UtcTicks, emitted, accepted, by);
        var time = new Tick(producer.InZone(tick, Run.Time));
        if (!TryOutside(() => Open(time), out IAsyncEnumerator<T>? items))
        {
            if (items is not null) await DisposeLateAsync(items);
            return;
        }
        bool left = false, isOver = false;
        try
        {
            for (long number = 0; ; number++)
            {
                MayGoOutside();
                if (!GoOutside()) break;
                Task<bool> moving = MoveNext(items!);
                if (!ComeBack())
                {
                    left = true;
                    await DisposeAfterAsync(moving, items!);
                    return;
                }
                if (!await ArrivesAsync(moving))
                {
                    left = true;
                    LeaveBehind(DisposeAfterAsync(moving, items!));
                    break;
                }
                bool? has = await MovedAsync(new(moving));
                if (has is null) break;
                if (hasHeld && has is false && !IsStopped) current.EndsWith(emitted);      // it may have ended because of its token
                await EmitHeldAsync();
                isOver = has is false && !IsStopped;
                if (has is false) break;
                (hasHeld, held) = (number >= accepted, items!.Current);
                if (markAsync is null) await EmitHeldAsync();        // the last item needs no mark
            }
            await EmitHeldAsync();                   // of a tick that is not over: the next run goes on behind it
        }
        finally
        {
            if (!left) await DisposeAsync(items!);
        }
        if (markAsync is null) return;
        if (isBegun && emitted == current.First) PassOne();      // the count of an item that is gone must not apply to another
        await UntilAsync(() => Volatile.Read(ref open) == 0);
        if (isOver && told != current.Over && !HasCut) await StoreAsync(current.Over);
    }

    private void PassOne()
    {
        emitted++;
        Interlocked.Increment(ref open);
        PassOver();
    }

    protected override ValueTask EmitHeldAsync()
    {
        if (!hasHeld) return default;
        (hasHeld, T item, held) = (false, held, default!);
        emitted++;
        if (Tickets is not null) Interlocked.Increment(ref open);
        ValueTask pushed = EmitAsync(item);
        if (!pushed.IsCompletedSuccessfully) Flush();
        return pushed;
    }

    private void OnItemEnded()
    {
        if (Interlocked.Decrement(ref open) == 0) WakeUp();
    }

    private ReadOnlyMemory<byte> Tell(TickPosition position)
    {
        told = position;
        return position.ToBytes();
    }

    private async ValueTask StoreAsync(TickPosition position)
    {
        Task marking = markAsync!(Tell(position));
        marking.GetAwaiter().UnsafeOnCompleted(WakeUp);
        await UntilAsync(() => marking.IsCompleted);
        try
        {
            await marking;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    private IAsyncEnumerator<T> Open(Tick tick)
    {
        try
        {
            IAsyncEnumerable<T> made = producer.Fire(tick, StopToken)
                ?? throw new InvalidOperationException(
                $"The function of the producer '{Name}' returned null instead of a sequence. If there is nothing, return an empty one.");
            return made.GetAsyncEnumerator(StopToken);
        }
        catch (Exception e) when (!AnswersStop(e))
        {
            throw Failure(e);
        }
    }

    private static Task<bool> MoveNext(IAsyncEnumerator<T> items)
    {
        try
        {
            return items.MoveNextAsync().AsTask();
        }
        catch (Exception e)
        {
            return Task.FromException<bool>(e);
        }
    }

    /// <summary>The firing of one tick, with the range of its items in this run.</summary>
    /// <param name="tick">In ticks of UTC.</param>
    /// <param name="first">The number of its first item in this run.</param>
    /// <param name="accepted">The number of its items that were accepted before.</param>
    /// <param name="by">The checksum of the schedule by which the tick was found.</param>
    private sealed class Firing(long tick, long first, long accepted, uint by)
    {
        private long last = -1;

        public long First => first;

        public TickPosition Over => new(tick, TickPosition.All, by);

        /// <summary>Sets the last item. Called before it is emitted.</summary>
        public void EndsWith(long sequence) => Volatile.Write(ref last, sequence);

        public TickPosition Before(long sequence) => new(tick, accepted + sequence - first, by);

        public TickPosition Behind(long sequence) => sequence == Volatile.Read(ref last) ? Over
            : new(tick, accepted + sequence - first + 1, by);
    }
}
