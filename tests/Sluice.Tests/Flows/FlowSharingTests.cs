using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The rules by which services share the partitions of a processor's work. Each service has a clock that the test moves.</summary>
public partial class FlowSharingTests
{
    private const int FirstRounds = 1_000;           // on one core the clock is faster than the services
    private const int FirstLooks = 2_000_000;
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(9);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private static readonly GroupId Group = FlowNames.Hosts("work");

    private static CancellationToken Cancellation => FlowLab.Cancellation;

    [Fact]
    public async Task AMemberWithTwoFewerGetsTheSurplusOfOne()
    {
        await using var store = new MemoryStreamStore();
        await using Service a = await Service.StartAsync(store, "a");
        await UntilCountsAsync(store, 16);
        await using Service b = await Service.StartAsync(store, "b");
        await UntilCountsAsync(store, [8, 8], a, b);
        await using Service c = await Service.StartAsync(store, "c");
        await UntilCountsAsync(store, [5, 5, 6], a, b, c);

        // A service may still act by an older view of the group. After that, nothing moves for nothing.
        string before = "";
        for (int attempt = 0; await OwnersAsync(store) is var now && now != before; attempt++)
        {
            Assert.True(attempt < 20, $"{before} became {now}");
            before = now;
            for (int round = 0; round < 10; round++) await PassTimeAsync(store, a, b, c);
        }
        Assert.Equal([5, 5, 6], before.Split(' ').CountBy(static one => one.Split(':')[0]).Select(static one => one.Value).Order());
    }

    /// <remarks>The clock of the service that joins stands still: its heartbeats could not tell it.</remarks>
    [Fact]
    public async Task WhatIsReleasedForAMemberIsAcquiredAtOnce()
    {
        await using var store = new MemoryStreamStore();
        await using Service first = await Service.StartAsync(store, "first");
        await UntilCountsAsync(store, 16);
        await using Service joined = await Service.StartAsync(store, "joined");
        await BeatAsync(store, first);
        await UntilCountsAsync(store, 8, 8);

        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, 64)
            .Select(n => first.Supervisor.StartAsync(Working, [IOVal.Of("x", n)], cancellation: Cancellation)));
        await Task.WhenAll(runs.Select(static run => run.Completion)).WaitAsync(FlowLab.Patience, Cancellation);
        foreach (FlowRun run in runs) await run.DisposeAsync();
        Assert.Equal(["first", "joined"], first.Done.Concat(joined.Done).Distinct().Order());
    }

    /// <remarks>The service looks at the group when it joins, the other one releases partitions, and only then the look is answered. No
    /// heartbeat comes to its aid: its clock stands still.</remarks>
    [Fact]
    public async Task WhatIsReleasedDuringALookIsAcquiredAtOnce()
    {
        await using var store = new MemoryStreamStore();
        await using Service first = await Service.StartAsync(store, "first");
        await UntilCountsAsync(store, 16);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Service joined = await Service.StartAsync(store, "joined", answer.Task);
        try
        {
            await BeatAsync(store, first);
            await UntilCountsAsync(store, 8);
        }
        finally
        {
            answer.SetResult();
        }
        await UntilCountsAsync(store, 8, 8);
    }

    [Fact]
    public async Task APartitionThatWasFreeForALeaseDurationIsAcquiredByAnyMember()
    {
        await using var store = new MemoryStreamStore();
        await using Service first = await Service.StartAsync(store, "first");
        await UntilCountsAsync(store, 16);
        var refusing = new RefusingStore(store);     // as a store refuses a service of an earlier version
        await using Service earlier = await Service.StartAsync(refusing, "earlier");
        await BeatAsync(store, first);
        await UntilCountsAsync(store, 8);            // the first one has made room
        await UntilCountsAsync(store, [16], first, earlier);

        await PassTimeAsync(store, first, earlier);
        int[] counts = await CountsAsync(store);
        Assert.Equal([16], counts);                  // and they stay there
        refusing.Refuses = false;
        await UntilCountsAsync(store, [8, 8], first, earlier);
    }

    [Fact]
    public async Task TheHeartbeatThatWasLeftOutIsSentWithTheFirstAnswer()
    {
        await using var store = new MemoryStreamStore();
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hooked = new HookedStore(store)
        {
            BeforeCommit = commit =>
            {
                if (commit.Owner.Group != Group) return Task.CompletedTask;
                asked.TrySetResult();
                return let.Task;
            }
        };
        await using Service service = await Service.StartAsync(hooked, "service");
        await UntilCountsAsync(store, 16);
        Task<FlowRun> starting = service.Supervisor.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: Cancellation);
        await asked.Task.WaitAsync(FlowLab.Patience, Cancellation);
        int looks = service.Store.Looks;
        for (int third = 0; third < 2; third++)
        {
            await BeatAsync(store, service);
            await service.Store.UntilLooksAsync(++looks);
        }
        long beats = await BeatsAsync(store, "service");
        service.Clock.Advance(LeaseTime / 3);        // a commit had no answer for a lease duration
        await service.Store.UntilLooksAsync(looks + 1);
        long afterSilence = await BeatsAsync(store, "service");
        let.SetResult();
        Assert.Equal(beats, afterSilence);
        while (await BeatsAsync(store, "service") == beats) await NextAsync();
        await using FlowRun run = await starting;
        await run.Completion.WaitAsync(FlowLab.Patience, Cancellation);
    }

    private static Task UntilCountsAsync(IStreamStore store, params int[] counts) => UntilCountsAsync(store, counts, []);

    /// <summary>Waits until members own these numbers of partitions, in ascending order. Some clocks go on meanwhile.</summary>
    private static async Task UntilCountsAsync(IStreamStore store, int[] counts, params Service[] beating)
    {
        var rounds = new Rounds(beating.Length == 0 ? FirstLooks : FirstRounds);
        while (!(await CountsAsync(store)).SequenceEqual(counts))
        {
            Assert.True(await rounds.GoOnAsync(), await OwnersAsync(store));
            if (beating.Length > 0) await PassTimeAsync(store, beating);
            else await NextAsync();
        }
    }

    /// <summary>
    /// Moves the clocks to the next heartbeats, and lets what follows from them be done, mostly: a partition that were free for long would
    /// be kept for long.
    /// </summary>
    private static async Task PassTimeAsync(IStreamStore store, params Service[] beating)
    {
        await BeatAsync(store, beating);
        for (int i = 0; i < 100 || (i < 5_000 && (await CountsAsync(store)).Sum() < WorkGroup.Partitions); i++) await NextAsync();
    }

    private static async Task BeatAsync(IStreamStore store, params Service[] beating)
    {
        foreach (Service service in beating)
        {
            long before = await BeatsAsync(store, service.Supervisor.Name);
            service.Clock.Advance(LeaseTime / 3);
            var looks = new Rounds(FirstLooks);
            while (await BeatsAsync(store, service.Supervisor.Name) == before)
            {
                Assert.True(await looks.GoOnAsync(), $"{service.Supervisor.Name} sends no heartbeat; {await OwnersAsync(store)}");
                await NextAsync();
            }
        }
    }

    private static async Task<long> BeatsAsync(IStreamStore store, string name)
        => (await store.FindGroupAsync(Group, Cancellation))!.Members.Single(member => member.Name == name).Heartbeats;

    private static async Task<int[]> CountsAsync(IStreamStore store)
        => await store.FindGroupAsync(Group, Cancellation) is { } info
            ? [.. info.Partitions.Select(static partition => partition.Owner).OfType<string>().CountBy(static owner => owner)
                .Select(static count => count.Value).Order()]
            : [];

    private static async Task<string> OwnersAsync(IStreamStore store)
        => string.Join(' ', (await store.FindGroupAsync(Group, Cancellation))!.Partitions
            .Select(static partition => $"{partition.Owner}:{partition.Epoch}"));

    private static async Task NextAsync()
    {
        Cancellation.ThrowIfCancellationRequested();
        await Task.Yield();
    }

    /// <summary>A service that hosts the processor, on a clock of its own.</summary>
    private sealed partial class Service : IAsyncDisposable
    {
        private Service(IStreamStore store, string name, Task? answer, int? slots)
        {
            Store = new(answer is null ? store : new LateStore(store, answer));
            Clock.Advance(LeaseTime);                // a silence that began at the timestamp zero would count as one tick shorter
            Supervisor = Supervisor.Attach(Store,
                new() { Name = name, Time = Clock, LeaseDuration = LeaseTime, OnWarning = static _ => { }, MaxConcurrency = slots });
        }

        public TestClock Clock { get; } = new();

        public LookedStore Store { get; }

        public Supervisor Supervisor { get; }

        /// <summary>The name of this service, once for each function that it has run.</summary>
        public ConcurrentQueue<string> Done { get; } = [];

        /// <summary>Returns when the service has joined. If its looks at the group are answered, it also sends heartbeats.</summary>
        public static async Task<Service> StartAsync(IStreamStore store, string name, Task? answer = null, int? slots = null)
        {
            var service = new Service(store, name, answer, slots);
            service.Supervisor.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
            {
                service.Done.Enqueue(name);
                await service.WorkAsync(cancellation);
                return await x.FirstAsync(cancellation);
            });
            while (await store.FindGroupAsync(Group, Cancellation) is not { } info
                || !info.Members.Any(member => member.Name == name)) await NextAsync();
            // The timer of its heartbeats, and of what sweeps.
            if (answer is null) await service.Clock.WaitForTimersAsync(2, Cancellation);
            return service;
        }

        public ValueTask DisposeAsync() => Supervisor.DisposeAsync();
    }

    /// <summary>A store that does not let its service acquire partitions of the processor.</summary>
    private sealed class RefusingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private volatile bool refuses = true;

        public bool Refuses
        {
            get => refuses;
            set => refuses = value;
        }

        public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
            => group == Group && Refuses ? new(new AcquireResult(AcquireStatus.Newer, default, null, 1))
            : base.AcquireAsync(group, partition, request, cancellation);
    }

    /// <summary>A store whose answers about the group of the processor come late.</summary>
    private sealed class LateStore(IStreamStore inner, Task answer) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            GroupInfo? info = await base.FindGroupAsync(group, cancellation);
            if (group == Group && info is not null) await answer.WaitAsync(cancellation);
            return info;
        }
    }

    /// <summary>A store that counts the looks at the group of the processor.</summary>
    private sealed class LookedStore(IStreamStore inner) : RoundsStore(inner, Work)
    {
        private int looks;

        public int Looks => Volatile.Read(ref looks);

        public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            GroupInfo? info = await base.FindGroupAsync(group, cancellation);
            if (group == Group) Interlocked.Increment(ref looks);
            return info;
        }

        public async Task UntilLooksAsync(int count)
        {
            while (Looks < count) await NextAsync();
        }
    }
}
