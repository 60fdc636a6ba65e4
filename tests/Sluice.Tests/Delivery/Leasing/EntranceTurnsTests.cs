using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>
/// Items that enter in the middle, such as redriven letters, have a run of their own. If a stage counts on one run (a KeyBy, a throttle, a
/// node class), they and the other items take turns, with and without rounds.
/// </summary>
public class EntranceTurnsTests
{
    private const int Partitions = 4;

    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> steps = new();
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int running, overlaps, starts;
    private volatile bool isMended;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("key by", false)]
    [InlineData("key by", true)]
    [InlineData("throttle", false)]
    [InlineData("throttle", true)]
    [InlineData("node", false)]
    [InlineData("node", true)]
    public async Task RedrivenLettersAndOtherItemsNeverRunAtTheSameTime(string shape, bool isKeyed)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            (isMended, starts) = (false, 0);
            var scheduler = new SeededScheduler(seed);
            await using var store = new MemoryStreamStore(clock);
            await using Consecutor<int> consecutor = New(shape, isKeyed, store, scheduler);
            await consecutor.StartAsync(Cancellation);
            using var over = new CancellationTokenSource();
            Task driving = DriveAsync(scheduler, over.Token);
            await consecutor.SendAllAsync([.. Enumerable.Range(0, 60)], Cancellation);
            Assert.Equal(20, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
            isMended = true;
            Task sending = consecutor.SendAllAsync([.. Enumerable.Range(60, 100)], Cancellation).AsTask();
            await consecutor.RedriveAsync(_ => true, Cancellation);
            await sending;
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((160L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
            Assert.Equal((0, 1), (overlaps, starts));
            await over.CancelAsync();
            await driving;
            Task stopping = consecutor.DisposeAsync().AsTask();
            while (!stopping.IsCompleted) await NextAsync(scheduler);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALetterWaitsForItemsInFlightAndLaterItemsWaitForTheLetter(bool isKeyed)
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New("held", isKeyed, store, null);
        int letter = Enumerable.Range(1, 19).Select(static n => n * 3).First(static n => PartitionOf(n) != PartitionOf(1));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(letter, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        isMended = true;
        await consecutor.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => steps.Contains("1 begins"));
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await Member.UntilAsync(consecutor, static snapshot => snapshot.InFlight == 2);
        await consecutor.SendAllAsync([100, 200], Cancellation);
        for (int i = 0; i < 200; i++) await Member.NextAsync();
        Assert.Equal(["1 begins"], steps);
        Assert.Null(consecutor.Snapshot().Problem);
        // The turn begins a moment after its letter is in flight, perhaps when the clock has moved on.
        await Member.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(11));
            return consecutor.Snapshot().Problem is not null;
        });
        Assert.StartsWith("No item begins here: redriven letters", consecutor.Snapshot().Problem, StringComparison.Ordinal);
        released.SetResult();
        Assert.Equal(4, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(["1 begins", "1 ends", $"{letter} begins", $"{letter} ends"], steps.Take(4));
        Assert.Null(consecutor.Snapshot().Problem);
        Assert.Equal(8, steps.Count);
    }

    /// <summary>The wait may be long. The partition's next owner starts the letter, and this member must not.</summary>
    [Fact]
    public async Task ALetterDoesNotRunIfItsPartitionIsLostWhileItWaits()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New("held", isKeyed: false, store, null, partitions: 1);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(15, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        isMended = true;
        await consecutor.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => steps.Contains("1 begins"));
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await Member.UntilAsync(consecutor, static snapshot => snapshot.InFlight == 2);
        GroupId group = new("work", "work");
        long epoch = (await store.FindGroupAsync(group, Cancellation))!.Partitions[0].Epoch;
        await store.AcquireAsync(group, 0, new("other") { ExpectedEpoch = epoch }, Cancellation);
        released.SetResult();
        await Member.UntilAsync(consecutor, static snapshot => snapshot.InFlight == 0);
        Assert.Equal(["1 begins", "1 ends"], steps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ItemsThatNeverEndComingDoNotKeepALetterFromItsTurn(bool isKeyed)
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New("endless", isKeyed, store, null);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(3, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.SendAllAsync([1000, 1001, 1002, 1004, 1005], Cancellation);
        isMended = true;
        await consecutor.RedriveAsync(_ => true, Cancellation);
        Assert.Equal((0L, 0L), (await consecutor.WaitForIdleAsync(Cancellation) is var end ? end.Dead : 1, end.Unaccounted));
        Assert.DoesNotContain("endless", steps);
    }

    private static int PartitionOf(int n) => EntryKey.Of(KeyOf(n)).PartitionOf(Partitions);

    private static string KeyOf(int n) => $"{n % 7}";

    private Consecutor<int> New(string shape, bool isKeyed, MemoryStreamStore store, SeededScheduler? scheduler,
        int partitions = Partitions)
    {
        Consecutor<int>? self = null;
        return self = new("work", source => shape switch
        {
            "key by" => source | Stage.KeyBy((int n) => n % 5, 3) | WorkAsync | Stage.Named("work") | (static _ => { }),
            "throttle" => (source | WorkAsync | Stage.Named("work")).Throttle(1_000_000, TimeSpan.FromSeconds(1)) | (static _ => { }),
            "node" => source | StageNode.Of(() => new Node(WorkAsync)) | Stage.Named("work") | (static _ => { }),
            "held" => source | Stage.KeyBy((int n) => n % 5, 3) | HeldAsync | Stage.Named("work") | (static _ => { }),
            _ => source | Stage.KeyBy((int n) => n % 5, 3) | GoOnAsync | Stage.Named("work") | (static _ => { }),
        }, new()
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(0),
            MaxInFlight = 16,
            Stream = new() { Partitions = partitions },
            Run = new() { Time = clock, Scheduler = scheduler, OnStarted = _ => Interlocked.Increment(ref starts) },
        })
        { Key = isKeyed ? KeyOf : null };

        async ValueTask<int> HeldAsync(int n, CancellationToken cancellation)
        {
            ThrowIfBad(n);
            steps.Enqueue($"{n} begins");
            if (n == 1) await released.Task.WaitAsync(cancellation);
            steps.Enqueue($"{n} ends");
            return n;
        }

        async ValueTask<int> GoOnAsync(int n, CancellationToken cancellation)
        {
            ThrowIfBad(n);
            if (n == 3) steps.Enqueue("letter");
            else if (steps.IsEmpty && n > 100_000) steps.Enqueue("endless");
            else if (steps.IsEmpty) await self!.SendAsync(n + 15, cancellation);
            return n;
        }
    }

    private async ValueTask<int> WorkAsync(int n, CancellationToken cancellation)
    {
        ThrowIfBad(n);
        bool isLetter = n < 60 && n % 3 == 0;
        int others = Interlocked.Add(ref running, isLetter ? 1000 : 1);
        if (isLetter ? others % 1000 > 0 : others >= 1000) Interlocked.Increment(ref overlaps);
        for (int i = 0; i < 1 + (n % 4); i++) await Task.Yield();
        Interlocked.Add(ref running, isLetter ? -1000 : -1);
        return n;
    }

    private void ThrowIfBad(int n)
    {
        if (!isMended && n < 60 && n % 3 == 0) throw new FormatException("no good");
    }

    private static async Task DriveAsync(SeededScheduler scheduler, CancellationToken over)
    {
        while (!over.IsCancellationRequested) await NextAsync(scheduler);
    }

    private static async Task NextAsync(SeededScheduler scheduler)
    {
        scheduler.RunUntilIdle();
        await Task.Yield();
    }

    private sealed class Node(Func<int, CancellationToken, ValueTask<int>> work) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => await output.PushAsync(await work(item, cancellation));
    }
}
