using System.Buffers;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An output that fails and cannot be stored as an item of its own: the consecutor neither fails nor retries it for
/// ever.</summary>
public class UnwritableEmissionTests
{
    private readonly Ledger ledger = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The entry limit of a stream applies to items that are sent; a chunk of such items may be longer.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(int.MaxValue)]
    public async Task AChunkLongerThanTheEntryLimitOfTheStreamIsRetried(int failures)
    {
        await using var store = new MemoryStreamStore();
        int left = failures;
        await using var consecutor = new Consecutor<string>("work",
            source => source.Chunk(5) | Stage.Named("five")
                | (some => left-- > 0 ? throw new TimeoutException("not now") : $"{some.Length}") | ledger.Sink<string>(),
                Options(store, PayloadSerializers.Json));
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 5).Select(static n => new string((char)('a' + n), 400))], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((failures == 2 ? 0 : 1, 0L), (end.Dead, end.Unaccounted));
        if (failures > 2)
        {
            DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
            Assert.Equal(5, Assert.IsType<string[]>(letter.Item).Length);
            left = 0;
            await consecutor.RedriveAsync(static _ => true, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal(["5"], ledger.Lines);
    }

    /// <summary>The item that completes the chunk is blamed first. If the next one meets the same chunk, the chunk is given up, and later
    /// items go through.</summary>
    [Fact]
    public async Task AnUnwritableChunkIsGivenUpAndLaterChunksGoOn()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work", source => source.Chunk(3) | Stage.Named("some")
            | (some => some.Contains(5) ? throw new TimeoutException("not now") : string.Join(',', some)) | ledger.Sink<string>(),
            Options(store, PayloadSerializers.Json.With(new Refusing<int[]>())));
        await consecutor.SendAllAsync([.. Enumerable.Range(1, 13)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((13L, 2L, 0L, null), (end.Accepted, end.Dead, end.Unaccounted, end.Problem));
        Assert.Equal(["1,2,3", "8,9,10", "11,12,13"], ledger.Lines);
        IReadOnlyList<StoredDeadLetter> letters = await store.ListDeadAsync(Member.Group, cancellation: Cancellation);
        Assert.Equal(["some", "some"], letters.Select(static letter => letter.Node));
        Assert.Contains("What 'some' has put out has failed, and cannot be stored", letters[0].Error, StringComparison.Ordinal);
        Assert.Contains("TimeoutException: not now", letters[1].Error, StringComparison.Ordinal);

        // A redrive of the chunk fails in the same way, and harms nobody.
        Assert.Equal(1, await consecutor.RedriveAsync(static dead => dead.EntersAtNode, Cancellation));
        ConsecutorSnapshot again = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 0L), (again.Dead, again.Unaccounted));
    }

    /// <summary>The window fails behind a second state, so its round would store all windows, and none of them can be written.</summary>
    [Fact]
    public async Task AnUnwritableWindowCostsNoOtherWindow()
    {
        await using var store = new MemoryStreamStore(clock);
        await using var consecutor = new Consecutor<int>("work", source => (source.Window(new EventTime<int>(
                static n => DateTimeOffset.UnixEpoch.AddSeconds(n))
        { MaxOutOfOrderness = TimeSpan.FromHours(1) }, TimeSpan.FromSeconds(10)) | Stage.Named("tens"))
            .Scan(0, static (sum, window) => sum + window.Items.Sum()) | Stage.Named("sum")
            | (sum => sum == 12 ? throw new TimeoutException("not now") : sum) | ledger.Sink<int>(),
            Options(store, PayloadSerializers.Json.With(new Refusing<Window<int>>())));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 11, 21], Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await PassAsync(() => consecutor.Snapshot() is { IsIdle: true, Dead: > 0 } && ledger.Lines.Count > 1);
        Assert.Equal(["1", "33"], ledger.Lines);
        Assert.Equal((1L, 0L), (consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
        Assert.Equal("tens", Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Node);
    }

    [Fact]
    public async Task AnUnwritableWindowOfATimerIsADeadLetterThatNamesItsNode()
    {
        await using var store = new MemoryStreamStore(clock);
        await using var consecutor = new Consecutor<int>("work", source => source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours")
            | (window => window.Items.Contains(2) ? throw new TimeoutException("not now") : string.Join(',', window.Items))
            | ledger.Sink<string>(),
            Options(store, PayloadSerializers.Json.With(new Refusing<Window<int>>())));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await PassAsync(() => consecutor.Snapshot() is { Dead: 1 });
        Assert.Equal("hours", Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Node);
        await consecutor.SendAsync(3, Cancellation);
        await PassAsync(() => ledger.Lines.Count == 1);
        Assert.Equal(["3"], ledger.Lines);
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true });
        Assert.Equal((1L, 0L), (consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
    }

    [Fact]
    public async Task AnUnwritableResultAtTheEndIsADeadLetterThatNamesItsNode()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work",
            source => source.Aggregate(0, static (sum, n) => sum + n, static _ => double.NaN) | Stage.Named("sum")
            | (n => double.IsNaN(n) ? throw new TimeoutException("not now") : n) | ledger.Sink<double>(),
            Options(store, PayloadSerializers.Json));
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L), (end.Dead, end.Unaccounted));
        Assert.Equal("sum", Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Node);
    }

    /// <summary>A result that fails behind its node is an item of its own: once it has ended, the node is not asked for the result
    /// again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task AFailedResultIsRetriedWithoutAskingItsNodeAgain(int failures)
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work",
            source => source.Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sum")
            | (n => failures-- > 0 ? throw new TimeoutException("not now") : n) | ledger.Sink<int>(),
            Options(store, PayloadSerializers.Json));
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((failures > 0 ? 1 : 0, 0L), (end.Dead, end.Unaccounted));
        Assert.Equal(failures > 0 ? [] : ["3"], ledger.Lines);
    }

    /// <summary>The bad item completes its chunk, so it was never stored: it alone becomes a dead letter, and the chunk goes on with the
    /// next item.</summary>
    [Fact]
    public async Task AnItemThatMakesAChunkUnwritableDiesAlone()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work",
            source => (source | (static n => n == 4 ? double.NaN : n)).Chunk(2) | Stage.Named("pairs")
            | (pair => Array.Exists(pair, double.IsNaN) ? throw new TimeoutException("not now") : string.Join(',', pair))
            | ledger.Sink<string>(), Options(store, PayloadSerializers.Json));
        await consecutor.SendAllAsync([1, 2, 3, 4, 5, 6, 7], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L), (end.Dead, end.Unaccounted));
        Assert.Equal(["1,2", "3,5", "6,7"], ledger.Lines);
        Assert.Equal(4, Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation)).Item);
    }

    /// <summary>A handler may throw an exception whose Message throws.</summary>
    [Fact]
    public async Task AnExceptionWhoseMessageThrowsIsDeadLetteredLikeOthers()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work",
            source => source | (static n => n == 2 ? throw new SpeechlessException() : n) | ledger.Sink<int>(),
                Options(store, PayloadSerializers.Json));
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal("SpeechlessException: (its Message threw NotSupportedException)",
            Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Error);
    }

    private ConsecutorOptions Options(IStreamStore store, PayloadSerializers serializers) => new()
    {
        Store = store,
        Process = new(),
        Serializers = serializers,
        Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
        Stream = new() { Partitions = 1, MaxEntryBytes = 1000 },
        Run = new() { Time = clock },
    };

    private async Task PassAsync(Func<bool> isReached)
    {
        while (!isReached())
        {
            for (int i = 0; i < 500 && !isReached(); i++) await Member.NextAsync();
            clock.Advance(TimeSpan.FromMinutes(10));
        }
    }

    private sealed class SpeechlessException : Exception
    {
        public override string Message => throw new NotSupportedException();
    }

    private sealed class Refusing<T> : IPayloadSerializer<T>
    {
        public void Serialize(T value, IBufferWriter<byte> to) => throw new FormatException("There is no form for it.");

        public T Deserialize(ReadOnlySpan<byte> payload) => throw new FormatException("There is no form for it.");
    }
}
