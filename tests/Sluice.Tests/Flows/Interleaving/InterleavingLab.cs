using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A flow in several services on one store. The store calls are made one at a time, in an order that a seed decides. Meanwhile the run is
/// cancelled, and services die, are suspended, hand over and join. The clock moves when no call is waiting. In the end the run must have
/// ended as its journal says (<see cref="InterleavingOracle"/>), and nothing of it may be left.
/// </summary>
internal sealed class InterleavingLab : IAsyncDisposable
{
    private const int MostSteps = 100_000;
    private const int LastEvent = 700;               // most runs have ended by then
    private const string Run = "run";
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(9);

    private readonly Random random;
    private readonly TestClock clock = new();
    private readonly DateTimeOffset begun;
    private readonly MemoryStreamStore store;
    private readonly Bustle bustle = new();
    private readonly StoreGate gate;
    private readonly InterleavedFlow flow;
    private readonly List<(Supervisor Supervisor, GatedStore Store)> services = [];
    private readonly List<(int Step, Func<Task> Begin)> events = [];
    private readonly List<Task> acts = [];
    private readonly CancellationTokenSource ending = new();
    private readonly List<string> log = [];
    private readonly int faultEvery;
    private (DateTimeOffset Time, int Step) certain; // when nothing was about to run
    private int names;

    public InterleavingLab(int seed)
    {
        random = new(seed);
        begun = clock.GetUtcNow();
        certain = (begun, 0);
        store = new(clock);
        gate = new(bustle);
        if (random.Next(4) == 0) faultEvery = 30;
        flow = new(random, clock);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task PlayAsync()
    {
        try
        {
            await PlayToItsEndAsync();
        }
        catch (Exception e)
        {
            string[] told;
            lock (log) told = [.. log];
            throw new InvalidOperationException(
                $"{e.Message}\n{flow}\nat step {gate.Steps}, {clock.GetUtcNow():T}, "
                    + $"waiting: {gate}\n{string.Join('\n', told.Take(20).Concat(told.TakeLast(20)))}", e);
        }
    }

    public ValueTask DisposeAsync()
    {
        ending.Dispose();
        return store.DisposeAsync();
    }

    private async Task PlayToItsEndAsync()
    {
        var (starter, _) = Join(isHost: false);
        for (int i = random.Next(2, 4); i > 0; i--) Join(isHost: true);
        DrawEvents();

        FlowRun run = null!;
        await DoAsync(async () => run = await starter.StartAsync(flow.Flow, flow.Inputs, allOutputs: true, run: Run,
            cancellation: Cancellation));
        Dictionary<string, Task<Reading>> readings = run.Outputs.ToDictionary(output => output, _ => (Task<Reading>)null!);
        foreach (string output in run.Outputs) _ = bustle.InsideAsync(() => readings[output] = Reading.OfAsync(run.Output<string>(output)));
        Task completion = bustle.InsideAsync(() => run.Completion);
        await DriveAsync(async () => completion.IsCompleted && readings.Values.All(reading => reading.IsCompleted)
            && acts.TrueForAll(act => act.IsCompleted) && await HasEndedAsync());
        bool isLate = events.Count > 0;
        events.Clear();
        if (isLate) await DoAsync(() => CancelAsync("late"));
        foreach (Task act in acts) await act;

        FlowRunInfo status = null!;
        await DoAsync(async () => status = await run.GetStatusAsync(Cancellation));
        var oracle = new InterleavingOracle(flow, status, await InterleavingOracle.ReadJournalAsync(store, Run, Cancellation));
        oracle.CheckEnds();
        await oracle.CheckCompletionAsync(completion);
        foreach (var (output, reading) in readings) oracle.CheckValues(output, await reading);

        await ending.CancelAsync();
        bool wasDeleted = false;
        await DoAsync(async () => wasDeleted = await Living()[0].Supervisor.DeleteAsync(Run, Cancellation));
        Assert.True(wasDeleted);
        Assert.DoesNotContain(await store.ListStreamsAsync("flow", Cancellation), stream => stream.Contains(Run, StringComparison.Ordinal));
        await DoAsync(() => run.DisposeAsync().AsTask());
        foreach (var (supervisor, _) in Living()) await DoAsync(() => supervisor.DisposeAsync().AsTask());
        await DriveAsync(() => Task.FromResult(gate.IsEmpty));
        await bustle.SettleAsync();
        Assert.Equal((0, 0), (flow.AtWork, clock.ArmedTimers));
    }

    /// <summary>Makes one call after the other until a condition holds. If no call is waiting, it moves the clock.</summary>
    private async Task DriveAsync(Func<Task<bool>> isSo)
    {
        int idle = 0;
        while (true)
        {
            await bustle.SettleAsync();
            Cancellation.ThrowIfCancellationRequested();
            while (events.Count > 0 && events[0].Step <= gate.Steps)
            {
                Func<Task> begin = events[0].Begin;
                events.RemoveAt(0);
                acts.Add(bustle.InsideAsync(begin));
                await bustle.SettleAsync();
            }
            if (gate.Release(random)) continue;
            if (await isSo()) return;
            if (gate.Steps > MostSteps || clock.GetUtcNow() - begun > TimeSpan.FromHours(2))
                throw new InvalidOperationException($"It hangs: {await DescribeAsync()}.");
            if (clock.NextDue is { } due)
            {
                DateTimeOffset now = clock.GetUtcNow();
                if (due - certain.Time <= LeaseTime || certain == (now, gate.Steps)) clock.SetUtcNow(due > now ? due : now);
                else
                {
                    // A thread that waits for a processor would miss hours of the clock.
                    certain = (now, gate.Steps);
                    await bustle.SettleWhollyAsync();
                }
            }
            // the last heartbeat timer may be about to end
            else if (++idle == MostSteps) throw new InvalidOperationException("It hangs: nothing will happen any more.");
        }
    }

    private async Task DoAsync(Func<Task> work)
    {
        Task done = bustle.InsideAsync(work);
        await DriveAsync(() => Task.FromResult(done.IsCompleted));
        await done;
    }

    private (Supervisor Supervisor, GatedStore Store) Join(bool isHost)
    {
        string name = isHost ? $"s{++names}" : "starter";
        var time = new HeartClock(clock, bustle, LeaseTime / 3);
        bustle.Add(time);
        var gated = new GatedStore(store, gate, time, name) { FaultEvery = isHost ? faultEvery : 0 };
        Supervisor service = null!;
        _ = bustle.InsideAsync(() =>
        {
            service = Supervisor.Attach(gated, new()
            {
                Name = name,
                Time = time,
                LeaseDuration = LeaseTime,
                MaxStarts = int.MaxValue,
                RunRetentionDuration = Timeout.InfiniteTimeSpan,
                ReaderTimeout = TimeSpan.FromHours(1),
                OnWarning = Warn
            });
            if (isHost) flow.Register(service, bustle);
            return Task.CompletedTask;
        });
        services.Add((service, gated));
        return (service, gated);

        void Warn(string text) => Note($"{name} warns: {text}");
    }

    private void Note(string text)
    {
        lock (log) log.Add($"{gate.Steps,6} {clock.GetUtcNow():T} {text}");
    }

    private List<(Supervisor Supervisor, GatedStore Store)> Living() => services.FindAll(service => !service.Store.IsDead);

    /// <summary>A host that may leave: the first host stays, so that the run comes to an end.</summary>
    private (Supervisor Supervisor, GatedStore Store)? Mortal()
    {
        var mortal = Living().Skip(2).ToList();
        return mortal.Count == 0 ? null : mortal[random.Next(mortal.Count)];
    }

    private void DrawEvents()
    {
        for (int count = random.Next(4); count > 0; count--) events.Add((random.Next(LastEvent), Draw()));
        events.Sort((one, other) => one.Step.CompareTo(other.Step));

        Func<Task> Draw() => random.Next(6) switch
        {
            0 or 1 => () => CancelAsync("as the seed wants"),
            2 => AbandonAsync,
            3 => HandOverAsync,
            4 => PauseAsync,
            _ => () =>
            {
                Note($"{Join(isHost: true).Store.Name} joins");
                return Task.CompletedTask;
            }
            ,
        };
    }

    private async Task CancelAsync(string reason)
    {
        var living = Living();
        var (supervisor, gated) = living[random.Next(living.Count)];
        Note($"{gated.Name} cancels");
        try
        {
            await supervisor.CancelAsync(Run, reason, Cancellation);
        }
        catch (Exception e) when (gated.IsDead && e is StreamStoreException or OperationCanceledException)
        {
        }
    }

    private async Task AbandonAsync()
    {
        if (Mortal() is not { } one) return;
        Note($"{one.Store.Name} dies");
        gate.Kill(one.Store, random);
        await one.Supervisor.AbandonAsync();
    }

    private async Task HandOverAsync()
    {
        if (Mortal() is not { } one) return;
        services.Remove(one);
        Note($"{one.Store.Name} hands over");
        one.Store.IsPaused = false;
        await one.Supervisor.DisposeAsync();
        Note($"{one.Store.Name} has handed over");
    }

    private async Task PauseAsync()
    {
        var hosts = Living().Skip(1).ToList();
        var (_, gated) = hosts[random.Next(hosts.Count)];
        TimeSpan pause = LeaseTime * random.Next(1, 8) / 4;
        Note($"{gated.Name} stands still for {pause}");
        gated.IsPaused = true;
        await Task.Delay(pause, clock, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        gated.IsPaused = false;
        Note($"{gated.Name} goes on");
    }

    private async Task<string> DescribeAsync()
    {
        FlowRunInfo? status = await FlowReports.StatusAsync(new(store, clock, Note, TimeSpan.FromHours(1)), Run, Cancellation);
        string text = status is null ? "no run" : $"{string.Join(", ", status.Processors.Select(one =>
            $"{one.Name} {one.Status} on {one.Host}"))}; {string.Join(", ", status.Streams)}";
        int partition = EntryKey.Of(Run).PartitionOf(WorkGroup.Partitions);
        foreach (Processor processor in flow.Flow.Processors)
        {
            GroupInfo? group = await store.FindGroupAsync(FlowNames.Hosts(processor.Name), Cancellation);
            IReadOnlyList<StateRow> rows = await store.ReadStateAsync(FlowNames.Hosts(processor.Name), partition, WorkPartition.Node, [Run],
                Cancellation);
            text += $"; {processor.Name}: {group?.Partitions[partition]}, {(rows.Count == 0 ? "no row" : System.Text.Encoding.UTF8.GetString(rows[0].Value!.Value.Span))}";
        }
        return text;
    }

    /// <summary>Whether all processors have ended, and no host keeps state of them. A cancelled processor that no host has begun counts as
    /// ended before its host writes that to the journal.</summary>
    private async Task<bool> HasEndedAsync()
    {
        var calls = new StoreRetrier(store, clock, Note, TimeSpan.FromHours(1));
        return await FlowReports.StatusAsync(calls, Run, Cancellation) is { EndedAt: not null } status
            && await FlowReports.FindBusyAsync(store, status, Cancellation) is null
            && (await InterleavingOracle.ReadJournalAsync(store, Run, Cancellation)).Count(happened =>
            happened.IsEnd) >= flow.Flow.Processors.Count;
    }
}
