using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Many requests with keys that wait before a full stream.</summary>
public class RoomTurnsTests
{
    private const int Requests = 300;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Each item that ended woke all of them, and each asked the store: 18,000 appends.</remarks>
    [Fact]
    public async Task AnItemThatEndsWakesSomeOfTheRequestsThatWait()
    {
        await using var store = new MemoryStreamStore();
        var counting = new CountingAppends(store);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            new() { Store = counting, Stream = new() { Partitions = 1, MaxItems = 1 } });
        SendOptions How(int n) => new() { IdempotencyKey = $"{n}", Timeout = TimeSpan.FromHours(1) };
        Task<SendResult>[] sends = [.. Enumerable.Range(0, Requests).Select(n => work.TrySendAsync(n, How(n), Cancellation))];
        await work.StartAsync(Cancellation);
        foreach (Task<SendResult> send in sends) Assert.Equal(SendStatus.Accepted, (await send).Status);
        Assert.InRange(counting.Appends, Requests, Requests * 24);
        Assert.Equal(Requests, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task ARequestWithoutATurnGivesUpInTime()
    {
        await using var store = new MemoryStreamStore();
        var clock = new TestClock();
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 1 }, Run = new() { Time = clock } });
        SendOptions How(int n, int seconds) => new() { IdempotencyKey = $"{n}", Timeout = TimeSpan.FromSeconds(seconds) };
        Assert.Equal(SendStatus.Accepted, (await work.TrySendAsync(0, How(0, 1), Cancellation)).Status);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<SendResult>[] patient = [.. Enumerable.Range(1, 20).Select(n => work.TrySendAsync(n, How(n, 48 * 86_400), Cancellation))];
        Task<SendResult> hurried = work.TrySendAsync(21, How(21, 1), Cancellation);
        Task<SendResult> leaving = work.TrySendAsync(22, How(22, 3600), left.Token);
        left.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        await AdvanceUntilAsync(clock, hurried);
        Assert.Equal(SendStatus.Full, (await hurried).Status);
        Assert.DoesNotContain(patient, static send => send.IsCompleted);
        await work.StartAsync(Cancellation);
        foreach (Task<SendResult> send in patient) Assert.Equal(SendStatus.Accepted, (await send).Status);
        Assert.Equal(21, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <summary>The store says when the reader may expire, and no timer takes so long.</summary>
    [Fact]
    public async Task ASendWaitsForRoomBesideAReaderThatExpiresInMonths()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 1 }, Run = new() { Time = clock } });
        await work.SendAsync(1, Cancellation);
        var audit = new ReaderOptions { IdleTimeout = TimeSpan.FromDays(60), AppliesBackpressure = false };
        await store.OpenReaderAsync("work", "audit", audit, Cancellation);
        Task send = work.SendAsync(2, Cancellation).AsTask();
        while (clock.ArmedTimers == 0 && !send.IsCompleted) await Task.Yield();
        Assert.False(send.IsCompleted, send.Exception?.ToString());
        await work.StartAsync(Cancellation);
        await send;
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <remarks>It waited behind requests that need more room than there is, and was refused.</remarks>
    [Fact]
    public async Task ARequestForWhichThereIsRoomIsAcceptedBehindOthersThatNeedMore()
    {
        await using var store = new MemoryStreamStore();
        var clock = new TestClock();
        using SemaphoreSlim let = new(0);
        await using var work = new Consecutor<int>("work", source => source.ForEachAsync((_, _, cancellation) =>
            new ValueTask(let.WaitAsync(cancellation))),
            new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 2 }, Run = new() { Time = clock } });
        SendOptions How(string key, int seconds) => new() { IdempotencyKey = key, Timeout = TimeSpan.FromSeconds(seconds) };
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([0, 1], Cancellation);
        Task<SendResult>[] large = [.. Enumerable.Range(0, 10).Select(n => work.TrySendAllAsync([2, 3, 4], How($"{n}", 48 * 86_400),
            Cancellation))];
        Task<SendResult> small = work.TrySendAsync(5, How("small", 1), Cancellation);
        let.Release();
        await Member.UntilAsync(work, static now => now.Completed == 1);
        await AdvanceUntilAsync(clock, small);
        Assert.Equal(SendStatus.Accepted, (await small).Status);
        Assert.DoesNotContain(large, static send => send.IsCompleted);
        let.Release(100);
        foreach (Task<SendResult> send in large) Assert.Equal(SendStatus.Accepted, (await send).Status);
    }

    // While the thread of a request stands still, the time of the patient ones must not pass.
    private static async Task AdvanceUntilAsync(TestClock clock, Task send)
    {
        var rounds = new Rounds(1_000);
        while (!send.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), "The request has no answer.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
    }

    private sealed class CountingAppends(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int appends;

        public int Appends => Volatile.Read(ref appends);

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name == nameof(AppendAsync)) Interlocked.Increment(ref appends);
            return call();
        }
    }
}
