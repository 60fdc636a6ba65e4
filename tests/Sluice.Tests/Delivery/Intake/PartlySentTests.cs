using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A call that sends many items and fails in the middle says how many of them are accepted.</summary>
public class PartlySentTests
{
    private const int Part = 4096;

    // A part of a sequence ends by its time, too: also if the thread that reads it stands still.
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFailureOfTheStoreSaysHowManyItemsAreAccepted(bool isList)
    {
        await using var store = new FailingStore(new MemoryStreamStore(clock)) { Appends = 2 };
        await using var work = new Consecutor<int>("work", source => source.ForEach(_ => { }), OnClock(store));
        IEnumerable<int> items = Enumerable.Range(0, 5 * Part).Where(static _ => true);
        Task sending = work.SendAllAsync(isList ? [.. items] : items, Cancellation).AsTask();
        await Rounds.UntilAsync(() =>
        {
            if (store.Appends < 0) clock.Advance(TimeSpan.FromSeconds(0.1));    // until the next try
            return sending.IsCompleted;
        }, "The send does not fail.");
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => sending);
        Assert.Equal("The first 8,192 items that were sent to work are accepted; it is not known of the others. The disk is full.",
            failure.Message);
        Assert.True(failure.IsPermanent);
        Assert.Equal(2 * Part, (await store.FindStreamAsync("work", Cancellation))!.Items);
    }

    [Fact]
    public async Task ACancellationSaysHowManyItemsAreAccepted()
    {
        await using var store = new MemoryStreamStore(clock);
        await using var work = new Consecutor<int>("work", source => source.ForEach(_ => { }), OnClock(store));
        using var giveUp = new CancellationTokenSource();
        var cancelled = await Assert.ThrowsAsync<OperationCanceledException>(() => work.SendAllAsync(Items(), giveUp.Token).AsTask());
        Assert.StartsWith("The first 4,096 items that were sent to work are accepted; it is not known of the others.", cancelled.Message,
            StringComparison.Ordinal);
        Assert.Equal(giveUp.Token, cancelled.CancellationToken);

        IEnumerable<int> Items()
        {
            for (int n = 0; ; n++)
            {
                if (n == Part + 5) giveUp.Cancel();
                yield return n;
            }
        }
    }

    [Fact]
    public async Task AnItemOfABatchThatCannotBeWrittenIsNamed()
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<string>("work", source => source.ForEach(_ => { }),
            new() { Store = store, Stream = new() { MaxEntryBytes = 1000 } });
        ConsecutorBatch<string> batch = await work.OpenBatchAsync("batch", Cancellation);
        var failure = await Assert.ThrowsAsync<PayloadException>(
            () => batch.SendAllAsync(["a", "b", new('c', 2000), "d"], Cancellation).AsTask());
        Assert.StartsWith("Item 3 cannot be sent: The item for work", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The items before it are accepted; it and those behind it are not.", failure.Message, StringComparison.Ordinal);
        Assert.Equal((true, 3), (failure.IsTooLong, failure.ItemNumber));
        Assert.Equal(2, (await store.FindStreamAsync("work", Cancellation))!.Items);
        failure = await Assert.ThrowsAsync<PayloadException>(() => work.SendAllAsync(["a", new('c', 2000), "d"], Cancellation).AsTask());
        Assert.Equal((true, 2), (failure.IsTooLong, failure.ItemNumber));
    }

    [Fact]
    public async Task TheFailureOfASequenceOfABatchSaysHowManyItemsAreAccepted()
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source.ForEach(_ => { }), new() { Store = store });
        ConsecutorBatch<int> batch = await work.OpenBatchAsync("batch", Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => batch.SendAllAsync(Failing(), Cancellation).AsTask());
        Assert.Equal("The sequence that is sent to work has failed after 5,000 items, which are accepted: disk gone", failure.Message);
        Assert.IsType<IOException>(failure.InnerException);
        Assert.Equal(5000, (await store.FindStreamAsync("work", Cancellation))!.Items);

        static IEnumerable<int> Failing()
        {
            for (int n = 0; n < 5000; n++) yield return n;
            throw new IOException("disk gone");
        }
    }

    [Fact]
    public async Task ItemsOfABatchWhoseSequenceCannotBeDisposedAreCountedOnce()
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source.ForEach(_ => { }), new() { Store = store });
        ConsecutorBatch<int> batch = await work.OpenBatchAsync("batch", Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => batch.SendAllAsync(new Unclosable(), Cancellation).AsTask());
        Assert.DoesNotContain("The first 200 items", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("not closed", failure.Message, StringComparison.Ordinal);
    }

    private sealed class Unclosable : IEnumerable<int>, IEnumerator<int>
    {
        public int Current { get; private set; }

        object System.Collections.IEnumerator.Current => Current;

        public IEnumerator<int> GetEnumerator() => this;

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => this;

        public bool MoveNext() => ++Current <= 100;

        public void Reset() => throw new NotSupportedException();

        public void Dispose() => throw new InvalidOperationException("not closed");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task AnItemOfOneAppendThatCannotBeWrittenIsNamed(int items)
    {
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<string>("work", source => source.ForEach(_ => { }),
            new() { Store = store, Stream = new() { MaxEntryBytes = 1000 } });
        string[] all = [.. Enumerable.Repeat("a", items - 1), new('c', 2000)];
        var answered = await Assert.ThrowsAsync<PayloadException>(() => work.TrySendAllAsync(all, null, Cancellation));
        var written = await Assert.ThrowsAsync<PayloadException>(() => work.SendEntriesAsync(all,
            _ => Task.FromResult(new SendResult(SendStatus.Accepted, 0)), Cancellation));
        Assert.All([answered, written], failure =>
        {
            Assert.StartsWith(items == 1 ? "The item for work" : "Item 3 of 3: The item for work", failure.Message,
                StringComparison.Ordinal);
            Assert.Equal((true, items == 1 ? null : items), (failure.IsTooLong, failure.ItemNumber));
        });
    }

    [Fact]
    public async Task ARedriveThatFailsSaysHowManyLettersWereRedriven()
    {
        await using var store = new FailingStore(new MemoryStreamStore()) { Redrives = 2 };
        await using var work = new Consecutor<int>("work", source => source.ForEach(_ => throw new FormatException()),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([.. Enumerable.Range(0, 3000)], Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => work.RedriveAsync(_ => true, Cancellation));
        Assert.Matches("^Before, [0-9,]+ dead letters of work were redriven: call it again for the others. The disk is full.$",
            failure.Message);
    }

    [Fact]
    public async Task NoOutputIsWiredIfOneOfThemIsRefused()
    {
        await using var store = new MemoryStreamStore();
        await using var other = new MemoryStreamStore();
        await using Consecutor<int> first = Make("first", store), second = Make("second", other), third = Make("third", store);
        await using var target = new Consecutor<int>("target", source => source.ForEach(_ => { }), new() { Store = store });
        Assert.Throws<InvalidOperationException>(() => target.From(first.Output<int>("out"), second.Output<int>("out")));
        Assert.Throws<InvalidOperationException>(() => target.From(first.Output<int>("out"), first.Output<int>("out")));
        target.From(first.Output<int>("out"), third.Output<int>("out"));

        static Consecutor<int> Make(string name, IStreamStore store)
            => new(name, source => source | Sink.Output<int>("out"), new() { Store = store });
    }

    private ConsecutorOptions OnClock(IStreamStore store) => new() { Store = store, Run = new() { Time = clock } };

    private sealed class FailingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        /// <summary>How many appends with entries are made before all others fail.</summary>
        public int Appends { get; set; } = int.MaxValue;

        /// <summary>How many redrives are made before all others fail.</summary>
        public int Redrives { get; set; } = int.MaxValue;

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => Appends-- <= 0 ? throw Full() : base.AppendAsync(request, cancellation);

        public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
            => Redrives-- <= 0 ? throw Full() : base.RedriveAsync(group, numbers, cancellation);

        private static StreamStoreException Full() => new("The disk is full.") { IsPermanent = true };
    }
}
