using Sluice.Storage;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>What counts as sent: each item once, with the answer that its sender gets.</summary>
[Collection(SpanTests.Name)]
public sealed class SendMetricsTests : IAsyncDisposable
{
    private const string Sent = "messaging.client.sent.messages";
    private const string Duration = "messaging.client.operation.duration";

    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static SendOptions Patient => new() { Timeout = TimeSpan.FromHours(1) };

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AnItemThatFindsNoRoomIsCountedOnceAsFull()
    {
        using var metrics = new MetricLog("messaging.destination.name=sent-full");
        using var log = new SpanLog();
        await using Consecutor<int> consecutor = Make("sent-full", store);
        await consecutor.TrySendAllAsync([1, 2, 3, 4, 5, 6, 7, 8], cancellation: Cancellation);
        Assert.Equal(SendStatus.Full, (await consecutor.TrySendAsync(9, cancellation: Cancellation)).Status);

        Assert.Equal((8, 1, 9), (metrics.Sum(Sent, null), metrics.Sum(Sent, "full"), metrics.Sum(Sent, null) + metrics.Sum(Sent, "full")));
        Assert.Equal(1, metrics.Count(Duration, "full"));
        Assert.Equal(1, metrics.Count(Sent, "full"));
        Assert.Equal("send sent-full\nsend sent-full ! full", log.Tree);
        Assert.DoesNotContain(log.Spans, static span => span.StatusDescription is not null);
    }

    [Fact]
    public async Task AnItemThatSharesTheAppendOfARefusedOneIsCountedWhenItIsAccepted()
    {
        using var metrics = new MetricLog("messaging.destination.name=sent-shared");
        var gated = new GatedStore(store);
        await using Consecutor<int> consecutor = Make("sent-shared", gated);
        await consecutor.TrySendAllAsync([1, 2, 3, 4, 5, 6, 7, 8], cancellation: Cancellation);
        gated.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<SendResult> first = consecutor.TrySendAsync(9, cancellation: Cancellation);
        await gated.Reached.Task.WaitAsync(Cancellation);
        Task<SendResult> refused = consecutor.TrySendAsync(10, cancellation: Cancellation),
            accepted = consecutor.TrySendAsync(11, Patient, Cancellation);         // both are in the next append
        gated.Gate.SetResult();
        Assert.Equal((SendStatus.Full, SendStatus.Full), ((await first).Status, (await refused).Status));
        await consecutor.StartAsync(Cancellation);
        Assert.Equal(SendStatus.Accepted, (await accepted).Status);

        Assert.Equal((9, 2), (metrics.Sum(Sent, null), metrics.Sum(Sent, "full")));
        Assert.Equal(0, metrics.Count(Sent, "Sluice.Delivery.NoRoomException"));
    }

    [Fact]
    public async Task ASpanThatSendsOneOfSeveralItemsDoesNotCountTheOthers()
    {
        using var log = new SpanLog();
        var gated = new GatedStore(store);
        await using Consecutor<int> consecutor = Make("a", gated);
        await consecutor.SendAsync(0, Cancellation);
        gated.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task first = consecutor.SendAsync(1, Cancellation).AsTask();
        await gated.Reached.Task.WaitAsync(Cancellation);
        Task second = consecutor.SendAsync(2, Cancellation).AsTask(), several = consecutor.SendAllAsync([3, 4, 5], Cancellation).AsTask();
        gated.Gate.SetResult();
        await Task.WhenAll(first, second, several);

        // An append has two items here, so one of the three shares the append of the second item.
        Assert.Equal([null, null, null, null, 2],
            log.Spans.Select(static span => span.GetTagItem("messaging.batch.message_count")).Order());
    }

    [Theory]
    [InlineData(SendStatus.Accepted, null, 2)]
    [InlineData(SendStatus.Full, "full", 2)]
    [InlineData(SendStatus.Repeated, null, 0)]
    [InlineData(SendStatus.Conflict, "conflict", 2)]
    [InlineData(null, "System.IO.IOException", 2)]
    public async Task ASendByAPackageIsCountedWithItsOutcome(SendStatus? answer, string? error, int items)
    {
        using var metrics = new MetricLog("messaging.destination.name=sent-written");
        using var log = new SpanLog();
        await using Consecutor<int> consecutor = Make("sent-written", store);
        bool hasBegun = false;
        Task<SendResult> sending = consecutor.SendEntriesAsync([1, 2], async entries =>
        {
            hasBegun = entries.Count == 2 && metrics.Count(Sent, error) == 0;
            await Task.Yield();
            return answer is { } status ? new(status, 0) : throw new IOException("away");
        }, Cancellation);
        if (answer is { } expected) Assert.Equal(expected, (await sending).Status);
        else await Assert.ThrowsAsync<IOException>(() => sending);

        Assert.True(hasBegun);
        Assert.Equal(items, metrics.Sum(Sent, error));
        Assert.Equal(error is null ? "send sent-written" : $"send sent-written ! {error}", log.Tree);
    }

    [Fact]
    public async Task WithoutAStoreSecondAttemptsAreNotMeasuredEither()
    {
        using var metrics = new MetricLog("messaging.destination.name=sent-local");
        int attempts = 0;
        await using (var consecutor = new Consecutor<int>("sent-local", source => source
            | (_ => { if (++attempts < 3) throw new FormatException("no"); }) | Stage.Named("end"),
            new() { Delivery = DeliveryGuarantee.Replay(3, Backoff.None) }))
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(1, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal(3, attempts);
        Assert.Empty(metrics.Names);
    }

    private static Consecutor<int> Make(string name, IStreamStore store) => new(name, source => source | (_ => { }) | Stage.Named("end"),
        new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 8 } });

    /// <summary>Holds up an append.</summary>
    private sealed class GatedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource? Gate { get; set; }

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            if (Gate is { } gate)
            {
                Reached.TrySetResult();
                await gate.Task.WaitAsync(cancellation);
            }
            return await base.AppendAsync(request, cancellation);
        }
    }
}
