using System.Text;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The file sink in a consecutor whose process dies at each call of the store in turn.</summary>
public sealed class FileSinkDeliveryTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("files-");

    private string FilePath => Path.Combine(directory.FullName, "out.txt");

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task EachLineIsWrittenOnceWhereverTheProcessDies()
    {
        int calls = await RunAsync(int.MaxValue, Moment.After, fails: true);
        Assert.True(calls > 10, $"{calls} calls");
        for (int at = 1; at <= calls; at++)
        {
            foreach (Moment moment in MortalStore.MomentsAt(at)) await RunAsync(at, moment, fails: true);
        }
    }

    [Fact]
    public async Task AnItemWhoseFormatterThrowsIsDeadLetteredAndTheOthersAreWritten()
    {
        await using var store = await ScenarioStore.OpenAsync();
        await using var consecutor = new Consecutor<int>("lines", source => source
            | Sink.ToFile<int>(FilePath, n => n == 3 ? throw new FormatException("not three") : $"{n}"),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None), Stream = new() { Partitions = 1 } });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAllAsync([1, 2, 3, 4], TestContext.Current.CancellationToken);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal((3L, 1L), (end.Completed, end.Dead));
        await consecutor.StopAsync();
        Assert.Equal(["1", "2", "4"], await File.ReadAllLinesAsync(FilePath, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AFileSinkIsOneNodeAndItsDeadLettersNameIt()
    {
        await using var store = await ScenarioStore.OpenAsync();
        await using var consecutor = new Consecutor<int>("lines", source => source
            | [Sink.ToFile<int>(FilePath, n => n == 3 ? throw new FormatException("not three") : $"{n}") | Stage.Named("csv"),
            Sink.ToFile<int>(FilePath + "2", n => $"{n}")],
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        Assert.Equal(["lines", "csv", "out.txt2"], consecutor.Topology.Nodes.Select(node => node.Name));
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAsync(3, TestContext.Current.CancellationToken);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(TestContext.Current.CancellationToken))
            Assert.Equal(("csv", 3), (letter.Node, letter.Item));
        Assert.Equal(1, consecutor.Snapshot().Dead);
    }

    [Fact]
    public async Task AMemberLeavesAFileAloneWhoseLengthOnlyAnotherMembersPartitionsKnow()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var slow = new SlowReleases(store);
        await using Consecutor<int> before = NewWork("before", slow, clock), after = NewWork("after", store, clock);
        await before.StartAsync(cancellation);
        await before.SendAllAsync([1, 2, 3], cancellation);
        await before.WaitForIdleAsync(cancellation);
        await after.StartAsync(cancellation);
        while (after.Snapshot().Problem?.Contains(".lock is locked", StringComparison.Ordinal) != true)
            await Member.BeatAsync(store, clock, "before", "after");

        // The file is free, and the partitions are not yet. Without a word from the other member, the file would be cut to nothing.
        Task<bool> stopping = before.StopAsync(cancellation: cancellation);
        await slow.Asked;
        await Member.BeatAsync(store, clock, "after");
        ConsecutorSnapshot left = await Member.UntilAsync(after,
            static snapshot => snapshot.Problem?.Contains("left alone", StringComparison.Ordinal) == true);
        Assert.Contains($"{FilePath} has 6 bytes, and 0 are committed by the partitions of this member", left.Problem,
            StringComparison.Ordinal);
        slow.Go();
        Assert.True(await stopping);
        await after.SendAsync(4, cancellation);
        await Member.BeatAsync(store, clock, "after");
        await Member.UntilAsync(after, static snapshot => snapshot.Completed == 4);
        await after.StopAsync(cancellation: cancellation);
        Assert.Equal(["1", "2", "3", "4"], await File.ReadAllLinesAsync(FilePath, cancellation));
    }

    [Fact]
    public async Task AMemberThatStoodStillCutsNothingThatAnotherOneHasCommittedMeanwhile()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var overtaken = new OvertakenStore(store, async lost =>
        {
            AcquireResult other = await store.AcquireAsync(lost.Group, lost.Partition, new("other") { ExpectedEpoch = lost.Epoch },
                cancellation);
            await File.WriteAllTextAsync(FilePath, "1\n2\n3\n", cancellation);
            StoreCommit commit = new(other.Ownership, 1) { FileLengths = [new(FileNames.Of("out.txt", "out.txt"), 6)] };
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit, cancellation)).Status);
            await store.ReleaseAsync(other.Ownership, cancellation);
        });
        await using Consecutor<int> late = NewWork("late", overtaken, clock);
        await late.StartAsync(cancellation);
        await late.SendAsync(4, cancellation);
        Task<ConsecutorSnapshot> idle = late.WaitForIdleAsync(cancellation);
        while (!idle.IsCompleted) await Member.BeatAsync(store, clock, "late");
        Assert.Equal((1L, null), ((await idle).Completed, late.Snapshot().Problem));
        await late.StopAsync(cancellation: cancellation);
        Assert.Equal(["1", "2", "3", "4"], await File.ReadAllLinesAsync(FilePath, cancellation));
    }

    private Consecutor<int> NewWork(string name, IStreamStore store, TestClock clock) => new("work", source => source
        | Sink.ToFile<int>(FilePath, n => $"{n}", replace: true), Member.Options(name, store, clock));

    /// <summary>Another member takes the first partition that is acquired, before the answer arrives.</summary>
    private sealed class OvertakenStore(IStreamStore inner, Func<Ownership, Task> overtake) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private bool isOver;

        public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            AcquireResult result = await base.AcquireAsync(group, partition, request, cancellation);
            if (!isOver)
            {
                isOver = true;
                await overtake(result.Ownership);
            }
            return result;
        }
    }

    private sealed class SlowReleases(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => asked.Task;

        public void Go() => go.SetResult();

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            asked.TrySetResult();
            await go.Task.WaitAsync(cancellation);
            return await base.ReleaseAsync(owner, cancellation);
        }
    }

    [Fact]
    public async Task AMissingFileIsReportedAndWorkContinuesWhenTheFileIsBack()
    {
        var clock = new TestClock();
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using var consecutor = new Consecutor<int>("lines", source => source | Sink.ToFile<int>(FilePath, n => $"{n}"),
            new() { Store = store, Run = new() { Time = clock } });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAsync(1, TestContext.Current.CancellationToken);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        File.Move(FilePath, FilePath + ".1");
        await consecutor.SendAsync(2, TestContext.Current.CancellationToken);
        while (consecutor.Snapshot().Problem is null) await Task.Yield();
        Assert.Contains($"{FilePath} is not there, and 2 bytes of it are committed", consecutor.Snapshot().Problem,
            StringComparison.Ordinal);
        Assert.Equal(1, consecutor.Snapshot().Completed);
        File.Move(FilePath + ".1", FilePath);
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        while (!idle.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        Assert.Equal((2L, null), ((await idle).Completed, consecutor.Snapshot().Problem));
        await consecutor.StopAsync();
        Assert.Equal(["1", "2"], await File.ReadAllLinesAsync(FilePath, TestContext.Current.CancellationToken));
    }

    /// <summary>An operator has taken it away: programs catch <see cref="SluiceException"/>, and print one line.</summary>
    [Fact]
    public async Task AFileThatIsGoneAtTheStartIsAFailureOfTheSink()
    {
        await using var store = await ScenarioStore.OpenAsync();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(TestContext.Current.CancellationToken);
            await first.SendAsync(1, TestContext.Current.CancellationToken);
            await first.WaitForIdleAsync(TestContext.Current.CancellationToken);
        }
        File.Delete(FilePath);
        await using Consecutor<int> second = New();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => second.StartAsync(TestContext.Current.CancellationToken));
        Assert.Equal("out.txt", failure.Node);
        Assert.StartsWith($"'out.txt' failed: {FilePath} is not there, and 2 bytes of it are committed", failure.Message,
            StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(failure.InnerException);

        Consecutor<int> New() => new("lines", source => source | Sink.ToFile<int>(FilePath, n => $"{n}"), new() { Store = store });
    }

    /// <returns>The number of calls of the store.</returns>
    private async Task<int> RunAsync(int dieAt, Moment moment, bool fails)
    {
        string[] expected = [.. Enumerable.Range(0, 40).SelectMany(n => new[] { $"{n}", $"-{n}" })];
        File.Delete(FilePath);
        await using var store = await ScenarioStore.OpenAsync();
        var mortal = new MortalStore(store, dieAt, moment);
        List<MortalSink> sinks = [];
        Consecutor<int> first = New(mortal, fails, sinks);
        Task work = WorkAsync(first);
        await Task.WhenAny(work, mortal.Died);
        if (!mortal.Died.IsCompleted) await work;
        else
        {
            foreach (MortalSink sink in sinks) sink.Die();
            await first.AbandonAsync();
        }
        await using (Consecutor<int> second = New(store, fails, sinks)) await WorkAsync(second);
        Assert.Equal(expected.Order(), (await File.ReadAllLinesAsync(FilePath)).Order());
        return mortal.Calls;
    }

    private static async Task WorkAsync(Consecutor<int> consecutor)
    {
        await consecutor.StartAsync();
        await (Source.Resumable("numbers", Enumerable.Range(0, 40)) | consecutor).RunAsync();
        await consecutor.WaitForIdleAsync();
        await consecutor.StopAsync();
    }

    private Consecutor<int> New(IStreamStore store, bool fails, List<MortalSink> sinks)
    {
        int met = 0;
        return new("lines", source => source | (n => fails && Interlocked.Increment(ref met) % 7 == 0 ? throw new FormatException() : n)
            | (n => (string[])[$"{n}", $"-{n}"]) | Each | (line => Encoding.UTF8.GetBytes(line + "\n"))
            | Sink.Commit<byte[]>(Make) | Stage.Named("lines"),
            new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(20, Backoff.None),
                MaxInFlight = 8,
                Stream = new() { Partitions = 2 },
                Process = new()
            });

        TransactionalSink<byte[]> Make()
        {
            sinks.Add(new(new(FilePath, [], replace: false)));
            return sinks[^1];
        }

        static IEnumerable<string> Each(string[] lines) => lines;
    }

    /// <summary>The sink of a process that dies: its file lock is released, and later calls fail.</summary>
    private sealed class MortalSink(FileSink inner) : TransactionalSink<byte[]>
    {
        private readonly Lock sync = new();
        private bool isDead;

        public void Die() => Do(() =>
        {
            isDead = true;
            return inner.End();
        });

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
            => Do(() => inner.Begin(state, cancellation));

        protected override ValueTask PrepareAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
            => Do(() => inner.Prepare(commit, cancellation));

        protected override ValueTask CommittedAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
            => Do(() => inner.Finish(commit, true, cancellation));

        protected override ValueTask VoidedAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
            => Do(() => inner.Finish(commit, false, cancellation));

        protected override ValueTask EndAsync() => Do(inner.End);

        // The calls of this sink complete at once.
        private ValueTask Do(Func<ValueTask> call)
        {
            lock (sync)
            {
                if (isDead) throw new InvalidOperationException("The process is dead.");
                return call();
            }
        }
    }
}
