namespace Sluice.Delivery;

/// <summary>The source of a pipeline with state or an order by key: pushes items round by round.</summary>
internal sealed class RoundPump<T> : ConsecutorPump<T>
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly Rounds rounds;
    private readonly Func<T, string?>? keyOf;
    private readonly ReadAhead<T> ahead;
    private long started;

    public RoundPump(StageContext context, Inlet<T> next, ConsecutorCore core) : base(context, next, core)
    {
        rounds = core.Rounds!;
        keyOf = (Func<T, string?>?)core.Stream.KeyOf;
        ahead = new(core.Identity, Serializer, keyOf, context.Token);
    }

    protected override async ValueTask<PumpWait> WorkAsync()
    {
        rounds.Look();
        rounds.FollowStoreTime(Context.Token);
        if (rounds.TryBegin() is { } round)
        {
            await BeginAsync(round);
            return PumpWait.None;
        }
        LeaseResult? lease = await Fetcher.NextAsync();
        if (lease is { Batches.Count: > 0 })
        {
            foreach (LeasedBatch leased in lease.Batches)
                if (Fetcher.Begin(leased) is { } partition) rounds.Enqueue(partition, leased.Entries.Span);
            return PumpWait.None;
        }
        if (rounds.TakeTurnOwed() || (lease is { IsEnded: true } && rounds.EndInput(Fetcher.Asked))
            || rounds.TakeTimersTurn(lease is null && Fetcher.TryAgainAfter is not null) || rounds.TakeIdleTurn()) return PumpWait.None;
        return PumpWait.Until(Earlier(lease?.NextDue ?? Fetcher.TryAgainAfter, rounds.NextDue));
    }

    private async ValueTask BeginAsync(Round round)
    {
        PartitionScope scope = round.Partition.Scope!;
        round.Begin();
        if (round.Partition.IsVoid)
        {
            round.Release();
            return;
        }
        try
        {
            ItemTracking run = round.IsEntrance ? Core.Entrances.Open() : Core.Following!;
            // The run of entered items may stop later: until then they read on, and do not fail.
            CancellationToken itemsStop = round.IsEntrance ? Core.Entrances.Run!.Token : Context.Token;
            await scope.LoadAsync(run, round.IsEnding, itemsStop, Context.Token);
            if (scope.IsPartlyInMemory) await ahead.ReadAsync(round, scope);
            if (round.FiresTimers) await scope.FireTimersAsync(round, () => Rent(round).BeginTick(round.Partition));
        }
        catch (StreamStoreException damage) when (scope.TryStandStill(damage))
        {
            scope.Forget();
            round.Release();
            return;
        }
        catch (StreamStoreException e)
        {
            // No item has begun: the state is read again, at the latest when the partition is acquired anew.
            Core.Problems.Latest =
                $"The store does not say what is remembered of partition {round.Partition.Number}; it is asked again: {FailureText.Of(e)}";
            scope.Forget();
            if (Core.Pump.IsStopping && round.Items.Count == 0)
            {
                round.Release();                     // a stop does not wait for what is not in hand yet
                return;
            }
            await SleepAsync(RetryInterval);
            rounds.Repeat(round);
            return;
        }
        catch (InvalidOperationException e)
        {
            if (!Core.Lifetime.EndIfClosed(e)) Core.Lifetime.Failed?.Invoke(e);
            return;
        }
        // Beside a suspect nothing comes out that is due: a crash there would be charged to it. Beside an end nothing does either: it reads
        // rows of stages that other threads would use. What is due then comes out in the next round.
        if (!round.FiresTimers && !round.IsEnding && (round.Items.Count == 0 || Core.Alone.MayWork()))
            foreach (IDue due in scope.TakeDue(round)) due.Act(Rent(round).BeginTick(round.Partition));
        if (round.IsEnding) await EndNextAsync(round, scope);
        for (int i = 0; i < round.Items.Count; i++)
        {
            if (round.Items[i] is not { Verdict: null } item) continue;
            try
            {
                ValueTask pushed = Push(round, item, i);
                if (!pushed.IsCompletedSuccessfully) await pushed;
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // Continue with the next item.
            }
        }
        Flush();
        ahead.Clear();
        round.Release();
    }

    private ValueTask Push(Round round, RoundItem item, int number)
    {
        ref readonly Entry entry = ref item.Entry;
        Root root = Rent(round);
        root.Begin(round.Partition, entry, item.Headers, started++);
        root.Item = item;
        if (root.TrySpill() || Fetcher.IsSpent(root, entry.CodeVersion)) return default;
        if (round.Partition.Order!.Before(entry.Sequence, item.Key) is { } before)
        {
            root.Park =
                $"It waits for {new EntryId(entry.Generation, Core.Name, round.Partition.Number, before)}, which has the same key and is "
                + $"to be tried again.";
            root.IsBehind = true;
            root.Settle(Outcome.Skipped);
            return default;
        }
        if (root.TryHoldBack())
        {
            root.Settle(Outcome.Skipped);
            return default;
        }
        if (item.Headers.EndOf is not null)
        {
            BatchCompleted.Tell(Core.Identity, root, entry.Payload, Context.Token);
            return default;
        }
        if (item.Headers.Node is { } node)
        {
            Core.Entrances.Enter(root, node, entry.Payload);
            return default;
        }
        T value;
        try
        {
            if (ahead.TryGet(number, out T? read, out string? key))
            {
                value = read;
                root.SetKey(key);
            }
            else
            {
                item.Headers.ThrowIfNoItem();
                value = Serializer.Read(entry, Core.Name, round.Partition.Number);
                root.SetKey(keyOf?.Invoke(value));
            }
            if (Core.KeepsState) root.CheckOwnKey();
        }
        catch (Exception e)
        {
            Context.Failed++;
            root.Fail(new PipelineException(Run.NameOf(Node), null, e, Node), isFinal: true);
            return default;
        }
        Run.ThrowIfStopping();
        Context.Out++;
        root.BeginWork();
        if (root.Trace is { } trace) round.Note(trace);
        return Next.PushAsync(value, root);
    }

    private async ValueTask EndNextAsync(Round round, PartitionScope scope)
    {
        Root hold = Rent(round).BeginTick(round.Partition);
        try
        {
            await scope.EndNextAsync(hold);
        }
        catch (StreamStoreException damage) when (scope.TryStandStill(damage))
        {
            // The round is given up with its partition.
        }
        catch (Exception e) when (e is PipelineException or StreamStoreException)
        {
            round.EndFailure = e;                    // undone when the round has ended
        }
        catch (InvalidOperationException e)          // as when rows are read before the round begins
        {
            if (!Core.Lifetime.EndIfClosed(e)) Core.Lifetime.Failed?.Invoke(e);
            return;
        }
        hold.Settle(Outcome.Skipped);
    }

    private Root Rent(Round round)
    {
        Root root = Core.Roots.Rent();
        root.Join(round);
        return root;
    }

    private static TimeSpan? Earlier(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other ?? one : one;
}
