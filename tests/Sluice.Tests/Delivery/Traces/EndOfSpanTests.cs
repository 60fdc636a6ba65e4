using System.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>How spans end when the item, the stop or the commit does not end well.</summary>
[StartsProcesses]
[Collection(SpanTests.Name)]
public sealed class EndOfSpanTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AForcedStopEndsTheSpansOfItemsInFlightAsCancelled()
    {
        using var log = new SpanLog();
        var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("a", source => source | (async (int _, CancellationToken token) =>
        {
            isInside.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        }) | Stage.Named("end"), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await isInside.Task.WaitAsync(Cancellation);
        await consecutor.DisposeAsync();

        Assert.Equal("cancelled", log["process a"].GetTagItem("sluice.outcome"));
        Assert.Equal(log["process a"].SpanId, log["node end"].ParentSpanId);
    }

    /// <remarks>Formerly the spans of all whose items shared an append ended with its last part.</remarks>
    [Fact]
    public async Task TheSpanOfASenderEndsAsItsOwnItem()
    {
        const int Items = 90;
        using var log = new SpanLog();
        using var giveUp = new CancellationTokenSource();
        var clock = new TestClock();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var narrow = new NarrowStore(store) { Left = 4, EndsThen = true, Begun = begun.Task };
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }),
            new() { Store = narrow, Stream = new() { Partitions = 1 }, Run = new() { Time = clock }, OnWarning = static _ => { } });
        await consecutor.SendAsync(0, Cancellation);
        Task[] sends = [.. Enumerable.Range(1, Items).Select(i => consecutor.SendAsync(i,
            i % 9 == 0 ? giveUp.Token : CancellationToken.None).AsTask())];
        await giveUp.CancelAsync();
        begun.SetResult();
        Task all = Task.WhenAll(sends);
        var rounds = new Rounds(1_000);              // the store forgets a sender after a day
        while (!all.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), "The sends do not end.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        string?[] expected = [null, .. sends.Select(static send => send.Exception?.InnerException?.GetType().FullName
            ?? (send.IsCanceled ? typeof(OperationCanceledException).FullName : null))];
        Assert.Equal(3, expected.Distinct().Count());
        Assert.Equal(expected.Order(), log.Spans.Where(static span => span.DisplayName == "send a")
            .Select(static span => (string?)span.GetTagItem("error.type")).Order());
    }

    [Fact]
    public async Task TheSpanOfATimedSendThatIsCancelledEndsAsCancelled()
    {
        using var log = new SpanLog();
        using var giveUp = new CancellationTokenSource();
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 1 }, Run = new() { Time = new TestClock() } });
        await consecutor.SendAsync(0, Cancellation);
        Task waiting = consecutor.TrySendAsync(1, new() { Timeout = TimeSpan.FromHours(1) }, giveUp.Token);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        while (Sends().Length < 2) await Member.NextAsync();
        Assert.Equal([null, typeof(OperationCanceledException).FullName],
            Sends().Select(static span => (string?)span.GetTagItem("error.type")));

        Activity[] Sends() => [.. log.Spans.Where(static span => span.DisplayName == "send a")];
    }

    [Fact]
    public async Task TheSpanOfAnItemInAWorkerEndsWithItsWorkAndAtTheLatestWithTheRun()
    {
        using var log = new SpanLog();
        var hasEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            ActivityStopped = span =>
            {
                if (span.DisplayName == "node away" && span.TraceId == log.Sender.TraceId) hasEnded.TrySetResult();
            },
        };
        ActivitySource.AddActivityListener(listener);
        var options = new ProcessOptions { Program = WorkerProgram.Path, Workers = 2, MaxItemsPerWorker = 1 };
        await using var consecutor = new Consecutor<string>("a", source => source | Pipe.InProcesses<string, string>("text", options)
            | Stage.Named("away") | (_ => { }) | Stage.Named("end"), new() { Store = store, Stream = new() { Partitions = 1 } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("hang", Cancellation);
        await consecutor.SendAsync("goes on", Cancellation);
        await hasEnded.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);      // behind the item that hangs
        await consecutor.DisposeAsync();

        Assert.Equal([null, "cancelled"], log.Spans.Where(static span => span.DisplayName == "node away")
            .Select(static span => span.GetTagItem("sluice.outcome")).Order());
    }

    [Theory]
    [InlineData(CommitStatus.Stale, "stale")]
    [InlineData(null, "abandoned")]
    public async Task ACommitThatIsNotAppliedIsAnErrorOfItsSpan(CommitStatus? answer, string error)
    {
        using var log = new SpanLog();
        var refusing = new RefusingStore(store, answer);
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"),
            new() { Store = refusing });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await refusing.Refused.Task.WaitAsync(Cancellation);
        await consecutor.DisposeAsync();

        Activity commit = log.Spans.First(static span => span.DisplayName == "commit a");
        Assert.Equal((ActivityStatusCode.Error, error), (commit.Status, commit.GetTagItem("error.type")));
    }

    private sealed class RefusingStore(IStreamStore inner, CommitStatus? answer) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource Refused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            Refused.TrySetResult();
            return answer is { } status ? new(new CommitResult(status, "refused by the test")) : throw new StreamStoreException("away");
        }
    }
}
