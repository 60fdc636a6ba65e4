using System.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Sluice leaves the current activity of its caller as it is, also one that has stopped: a request may have ended.</summary>
[Collection(SpanTests.Name)]
public sealed class CurrentActivityTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task SendsOfACallerWhoseActivityHasStoppedAreSiblings()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), new() { Store = store });
        await consecutor.SendAsync(1, Cancellation);
        await StopAsync(log.Sender);
        var known = new AsyncLocal<int> { Value = 7 };
        for (int item = 2; item <= 3; item++)
        {
            _ = consecutor.SendAsync(item);
            Assert.Same(log.Sender, Activity.Current);
            Assert.Equal(7, known.Value);
        }
        await consecutor.SendAsync(4, Cancellation);

        Assert.Equal("send a\nsend a\nsend a\nsend a", log.Tree);
    }

    [Fact]
    public async Task ARunThatWasStartedInARequestSendsItsItemsSideBySide()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), new() { Store = store });
        var request = log.Sender;
        var items = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using PipelineRun run = (Source.From(ItemsAsync(items.Task)) | consecutor).Start();
        await StopAsync(request);
        items.SetResult();
        await run.Completion;

        Assert.Equal(3, log.Spans.Count(static span => span.DisplayName == "send a"));
        Assert.Single(log.Spans.Where(static span => span.DisplayName == "send a").Select(static span => span.ParentSpanId).Distinct());
    }

    [Fact]
    public async Task ACallerWhoseActivityHasStoppedKeepsItBehindARunAndAStep()
    {
        using var log = new SpanLog();
        await StopAsync(log.Sender);
        await (Source.From([1]) | (_ => { })).RunAsync(cancellation: Cancellation);
        Assert.Same(log.Sender, Activity.Current);
        await using PipelineRun run = (Source.From([1]) | (_ => { })).Start();
        Assert.Same(log.Sender, Activity.Current);
        await run.Completion;
    }

    // Elsewhere, so that it stays current here.
    private static Task StopAsync(Activity activity) => Task.Run(activity.Stop, Cancellation);

    private static async IAsyncEnumerable<int> ItemsAsync(Task begin)
    {
        await begin;
        for (int item = 1; item <= 3; item++) yield return item;
    }
}
