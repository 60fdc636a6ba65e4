using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>What a consecutor leaves in its store, and what the next one finds there.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("restarts-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    /// <remarks>Regression: an item that had ended before an earlier one was also counted as pending, so the consecutor was never
    /// idle.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task AnItemThatEndedOutOfOrderIsNotPendingAfterARestart(int failing)
    {
        await using var store = new MemoryStreamStore();
        var blocked = new TaskCompletionSource();
        var options = new ConsecutorOptions
        {
            Store = store,
            Stream = new() { Partitions = 1 },
            Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromHours(1)))
        };
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([0, 1, 2, 3], Cancellation);
            while (first.Snapshot() is var now && (now.Completed < 3 - failing || now.Retrying < failing)) await Task.Yield();
        }

        blocked.SetResult();
        await using Consecutor<int> second = New();
        await second.StartAsync(Cancellation);
        ConsecutorSnapshot books = second.Snapshot();
        Assert.Equal((4L, failing, 0L, 0L), (books.Accepted, books.Retrying, books.Cancelled, books.Unaccounted));
        while (second.Snapshot().Completed < 4 - failing) await Task.Yield();
        Assert.Equal((0L, 0L), (second.Snapshot().Pending, second.Snapshot().InFlight));

        Consecutor<int> New() => new("numbers", source => source | WorkAsync | Stage.Parallel(4).Unordered | (static (int _) => { }),
            options);

        async Task<int> WorkAsync(int item, CancellationToken cancellation)
        {
            if (item == 0) await blocked.Task.WaitAsync(cancellation);
            return item == 3 && failing > 0 ? throw new FormatException("no good") : item;
        }
    }

    [Fact]
    public async Task AConsecutorThatFailsToStartReleasesItsFiles()
    {
        await using var store = new MemoryStreamStore();
        string good = Path.Combine(directory.FullName, "good.txt"), foreign = Path.Combine(directory.FullName, "foreign.txt");
        await File.WriteAllTextAsync(foreign, "somebody else's\n", Cancellation);
        await using (Consecutor<int> refused = New())
        {
            PipelineException why = await Assert.ThrowsAsync<PipelineException>(() => refused.StartAsync(Cancellation));
            Assert.Contains(foreign, why.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<PipelineException>(() => refused.Completion);
        }

        File.Delete(foreign);
        await using Consecutor<int> second = New();
        await second.StartAsync(Cancellation);
        await second.SendAsync(1, Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        await second.StopAsync();
        Assert.Equal(["1"], await File.ReadAllLinesAsync(good, Cancellation));

        Consecutor<int> New() => new("numbers", source => source |
        [
            s => s | Sink.ToFile<int>(good, static n => $"{n}"),
            s => s | Sink.ToFile<int>(foreign, static n => $"{n}"),
        ], new() { Store = store });
    }

    /// <remarks>Regression: the length of a file is stored with the partition that was committed last. A consecutor without that partition
    /// cut the file to the length that its other partitions knew.</remarks>
    [Fact]
    public async Task AFileKeepsItsCommittedLinesIfAnotherMemberHoldsItsLength()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        string path = Path.Combine(directory.FullName, "lines.txt");
        (GroupId group, int first, int other, int distant) = Divided();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Sink.ToFile<int>(path, static n => $"{n}"),
            new() { Store = store, Stream = new() { Partitions = 2 }, InstanceId = "self", Run = new() { Time = clock } })
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        foreach (int item in new[] { 0, distant })
        {
            await consecutor.SendAsync(item, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }

        await store.BeatAsync(group, "thief", Cancellation);
        Ownership[] stolen = [(await store.AcquireAsync(group, first, new("thief"), Cancellation)).Ownership,
            (await store.AcquireAsync(group, other, new("thief"), Cancellation)).Ownership];
        await store.ReleaseAsync(stolen[0], Cancellation);
        while ((await store.FindGroupAsync(group, Cancellation))!.Partitions[first].Owner != "self")
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            await store.BeatAsync(group, "thief", Cancellation);
            await Task.Yield();
        }
        await consecutor.SendAsync(0, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.StopAsync();
        Assert.Equal(["0", $"{distant}", "0"], await File.ReadAllLinesAsync(path, Cancellation));
    }

    /// <remarks>Regression: another member starts and gets one of two partitions. The other one, which knows the length of the file, still
    /// belongs to a dead member. The file was cut to the length that the first one knew.</remarks>
    [Fact]
    public async Task AFileKeepsItsCommittedLinesIfADeadMemberHoldsItsLength()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        string path = Path.Combine(directory.FullName, "lines.txt");
        (GroupId group, int first, int other, int distant) = Divided();
        var mortal = new DeadStore(store);
        Consecutor<int> killed = Make("one", mortal);
        await killed.StartAsync(Cancellation);
        foreach (int item in new[] { 0, distant })
        {
            await killed.SendAsync(item, Cancellation);
            await killed.WaitForIdleAsync(Cancellation);
        }
        mortal.IsDead = true;
        await killed.DisposeAsync();                 // its file lock is released as by the end of a process; the store is not told
        await store.ReleaseAsync(new(group, first, (await store.FindGroupAsync(group, Cancellation))!.Partitions[first].Epoch),
            Cancellation);

        await using Consecutor<int> next = Make("two", store);
        await next.StartAsync(Cancellation);
        await next.SendAsync(0, Cancellation);
        ConsecutorSnapshot waiting = next.Snapshot();
        Assert.Equal(0, waiting.InFlight);
        Assert.Contains($"one has partition {other}", waiting.Problem, StringComparison.Ordinal);
        Assert.Equal(["0", $"{distant}"], await File.ReadAllLinesAsync(path, Cancellation));
        Task idle = next.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            long before = await BeatsAsync();
            clock.Advance(TimeSpan.FromSeconds(10));
            while (!idle.IsCompleted && await BeatsAsync() == before) await Member.NextAsync();
        }
        Assert.Null(next.Snapshot().Problem);
        await next.StopAsync();
        Assert.Equal(["0", $"{distant}", "0"], await File.ReadAllLinesAsync(path, Cancellation));

        async Task<long> BeatsAsync() => (await store.FindGroupAsync(group, Cancellation))!.Members.First(static member =>
            member.Name == "two").Heartbeats;

        Consecutor<int> Make(string member, IStreamStore over)
            => new("numbers", source => source | Sink.ToFile<int>(path, static n => $"{n}"),
            new() { Store = over, Stream = new() { Partitions = 2 }, InstanceId = member, Process = new(), Run = new() { Time = clock } })
            { Key = static n => $"{n}" };
    }

    private sealed class DeadStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private volatile bool isDead;

        public bool IsDead
        {
            set => isDead = value;
        }

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
            => isDead ? ValueTask.FromException<T>(new StreamStoreException("The process is dead.")) : call();
    }

    // The partition of item 0, the other partition, and an item of that other partition.
    private static (GroupId Group, int First, int Other, int Distant) Divided()
    {
        int first = EntryKey.Of("0").PartitionOf(2), other = 1 - first;
        return (new("numbers", "numbers"), first, other, Enumerable.Range(1, 100).First(n => EntryKey.Of($"{n}").PartitionOf(2) == other));
    }
}
